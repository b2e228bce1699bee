//! From parameters and files to what the library wants.
//!
//! Honoured: tls-auth-clients, tls-ca-cert-dir, tls-ca-cert-file, tls-cert-file, tls-ciphers and tls-ciphersuites (as
//! lists of names, see [`chosen`]), tls-key-file, tls-prefer-server-ciphers, tls-protocols (1.2 and 1.3, there are no
//! others), tls-session-cache-size, tls-session-caching. tls-key-file-pass has to be empty.
//!
//! Without effect: tls-dh-params-file, as there are no such suites; tls-session-cache-timeout, as a session that was
//! remembered goes when there is no room for it; tls-client-cert-file, tls-client-key-file and its pass, tls-cluster and
//! tls-replication, as this server connects to nobody.

use crate::config::Config;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// A file of certificates or of a key is not larger.
const FILE_MAX: u64 = 8 << 20;
/// So many files of a directory are looked at.
const FILES_MAX: usize = 10_000;

/// What the parameters ask for; `None` if there is neither a port nor a certificate. The error is for the log.
pub(super) fn load(config: &Config) -> Result<Option<Arc<ServerConfig>>, String> {
    if config.int("tls-port") == 0 && config.string("tls-cert-file").is_empty() {
        return Ok(None);
    }
    let (cert, key) = (config.string("tls-cert-file"), config.string("tls-key-file"));
    if cert.is_empty() || key.is_empty() {
        return Err("TLS: both tls-cert-file and tls-key-file have to be given".to_owned());
    }
    let provider = Arc::new(provider(config)?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&protocols(&config.string("tls-protocols"))?)
        .map_err(|error| format!("TLS: tls-ciphers, tls-ciphersuites and tls-protocols: {error}"))?;
    let builder = match verifier(config, provider)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let mut tls = builder
        .with_single_cert(certificates(Path::new(&cert))?, private_key(config, &key)?)
        .map_err(|error| format!("TLS: {cert} and {key}: {error}"))?;
    tls.ignore_client_order = config.flag("tls-prefer-server-ciphers");
    remember(config, &mut tls);
    Ok(Some(Arc::new(tls)))
}

/// Sessions that are resumed save a client the verification of certificates.
fn remember(config: &Config, tls: &mut ServerConfig) {
    match config.int("tls-session-cache-size") as usize {
        size if size > 0 && config.flag("tls-session-caching") => {
            tls.session_storage = ServerSessionMemoryCache::new(size);
        }
        _ => {
            tls.session_storage = Arc::new(NoServerSessionStorage {});
            tls.send_tls13_tickets = 0;
        }
    }
}

fn protocols(words: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let mut versions = Vec::new();
    for word in words.split_whitespace() {
        versions.push(match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => &version::TLS12,
            "tlsv1.3" => &version::TLS13,
            _ => return Err(format!("TLS: tls-protocols knows TLSv1.2 and TLSv1.3, not '{word}'")),
        });
    }
    match versions.is_empty() {
        true => Ok(rustls::ALL_VERSIONS.to_vec()),
        false => Ok(versions),
    }
}

/// The cipher suites that `tls-ciphers` (TLS 1.2) and `tls-ciphersuites` (TLS 1.3) leave.
fn provider(config: &Config) -> Result<CryptoProvider, String> {
    let all = ring::default_provider();
    let [old, new] = ["tls-ciphers", "tls-ciphersuites"].map(|name| (name, config.string(name)));
    let (tls13, tls12): (Vec<_>, Vec<_>) =
        all.cipher_suites.iter().copied().partition(|suite| suite.tls13().is_some());
    let mut cipher_suites = chosen(new.0, &new.1, &tls13)?;
    cipher_suites.extend(chosen(old.0, &old.1, &tls12)?);
    Ok(CryptoProvider { cipher_suites, ..all })
}

/// The suites that a list of OpenSSL's names asks for, in the list's order. Names of suites that are not here are passed
/// over, as OpenSSL does, and so are exclusions of what is not here; but one suite has to remain.
fn chosen(
    parameter: &str,
    list: &str,
    all: &[SupportedCipherSuite],
) -> Result<Vec<SupportedCipherSuite>, String> {
    if list.is_empty() {
        return Ok(all.to_vec());
    }
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    for word in list.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        match (word.strip_prefix(['!', '-']), word) {
            (Some(name), _) => chosen.retain(|suite| openssl_name(*suite) != name),
            (None, "ALL" | "DEFAULT" | "HIGH") => chosen.extend(all),
            (None, name) => chosen.extend(all.iter().filter(|suite| openssl_name(**suite) == name)),
        }
    }
    match chosen.is_empty() {
        false => Ok(chosen),
        true => {
            let names: Vec<String> = all.iter().map(|suite| openssl_name(*suite)).collect();
            Err(format!("TLS: {parameter} leaves none of {}", names.join(":")))
        }
    }
}

/// `TLS13_AES_128_GCM_SHA256` is `TLS_AES_128_GCM_SHA256` there, `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is
/// `ECDHE-RSA-AES128-GCM-SHA256`, and ChaCha's hash is not said.
fn openssl_name(suite: SupportedCipherSuite) -> String {
    let name = format!("{:?}", suite.suite());
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name
            .trim_start_matches("TLS_")
            .trim_end_matches(if name.contains("CHACHA20") { "_SHA256" } else { "" })
            .replace("_WITH", "")
            .replace("AES_", "AES")
            .replace('_', "-"),
    }
}

/// Who has to prove who they are; `None` if nobody is asked.
fn verifier(
    config: &Config,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let asked = config.string("tls-auth-clients");
    if asked == "no" {
        return Ok(None);
    }
    let roots = roots(&config.string("tls-ca-cert-file"), &config.string("tls-ca-cert-dir"))?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if asked == "optional" { builder.allow_unauthenticated() } else { builder };
    builder.build().map(Some).map_err(|error| format!("TLS: authorities: {error}"))
}

fn roots(file: &str, dir: &str) -> Result<RootCertStore, String> {
    if file.is_empty() && dir.is_empty() {
        return Err(
            "TLS: clients have to show certificates, so tls-ca-cert-file or tls-ca-cert-dir has to be given \
                    (or tls-auth-clients no)"
                .to_owned(),
        );
    }
    let mut roots = RootCertStore::empty();
    if !file.is_empty() {
        let (_, ignored) = roots.add_parsable_certificates(certificates(Path::new(file))?);
        if ignored > 0 {
            tracing::warn!("TLS: {ignored} of the certificates in {file} cannot be an authority's");
        }
    }
    if !dir.is_empty() {
        let entries = std::fs::read_dir(dir).map_err(|error| format!("TLS: {dir}: {error}"))?;
        // What else lies there is no concern of ours.
        for entry in entries.take(FILES_MAX).flatten() {
            roots.add_parsable_certificates(certificates(&entry.path()).unwrap_or_default());
        }
    }
    match roots.is_empty() {
        true => Err(format!("TLS: no certificate of an authority in {file}{dir}")),
        false => Ok(roots),
    }
}

/// All certificates of a PEM file, of which there has to be one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| format!("TLS: {}: {error}", path.display()))?;
    match all.is_empty() {
        true => Err(format!("TLS: {}: no certificate in PEM form", path.display())),
        false => Ok(all),
    }
}

fn private_key(config: &Config, path: &str) -> Result<PrivateKeyDer<'static>, String> {
    const ENCRYPTED: &str = "is the key encrypted? Such keys are not supported";
    if !config.string("tls-key-file-pass").is_empty() {
        return Err("TLS: tls-key-file-pass has to be empty: encrypted keys are not supported".to_owned());
    }
    PrivateKeyDer::from_pem_slice(&read(Path::new(path))?)
        .map_err(|error| format!("TLS: {path}: no usable private key in PEM form ({error}); {ENCRYPTED}"))
}

/// A file's bytes. Only of files: a pipe would keep the reader waiting.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("TLS: {}: {error}", path.display());
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("TLS: {}: not a file", path.display()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_chosen_by_the_names_of_openssl() {
        let all = ring::default_provider().cipher_suites;
        let names = |list: &str| {
            let chosen = chosen("tls-ciphers", list, &all)?;
            Ok::<_, String>(chosen.into_iter().map(openssl_name).collect::<Vec<_>>().join(":"))
        };
        for name in [
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
        ] {
            assert_eq!(names(name).as_deref(), Ok(name));
        }
        let two = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
        assert_eq!(names(&format!("DHE-RSA-AES256-SHA:{two}:!MD5")).as_deref(), Ok(two));
        assert_eq!(names("DEFAULT:!MEDIUM"), names(""));
        assert!(!names("HIGH:!TLS_AES_128_GCM_SHA256").unwrap().contains("TLS_AES_128"));
        assert!(names("AES128-SHA").unwrap_err().contains("TLS_AES_128_GCM_SHA256"));
    }

    #[test]
    fn old_protocols_are_refused() {
        assert_eq!(protocols("").unwrap().len(), 2);
        assert_eq!(protocols("TLSv1.3").unwrap(), [&version::TLS13]);
        assert_eq!(protocols("tlsv1.2 TLSv1.3").unwrap().len(), 2);
        assert!(protocols("TLSv1.1 TLSv1.2").unwrap_err().ends_with("not 'TLSv1.1'"));
    }
}
