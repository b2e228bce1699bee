use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;

/// A certificate and its key, in files.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        let files = Files { dir: tempfile::tempdir().unwrap() };
        files.replace("one");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Another certificate with another key.
    fn replace(&self, name: &str) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(self.path("cert"), issuer.pem()).unwrap();
        std::fs::write(self.path("key"), issuer.key().serialize_pem()).unwrap();
    }

    fn config(&self, port: &str) -> Config {
        let [cert, key] = ["cert", "key"].map(|name| self.path(name).display().to_string());
        let words = ["--tls-port", port, "--tls-cert-file", &cert, "--tls-key-file", &key];
        let words: Vec<String> =
            words.into_iter().chain(["--tls-auth-clients", "no"]).map(str::to_owned).collect();
        Config::from_args(&words).unwrap()
    }
}

fn same(tls: &Tls, before: &Option<Arc<ServerConfig>>) -> bool {
    Arc::ptr_eq(tls.current().as_ref().unwrap(), before.as_ref().unwrap())
}

#[test]
fn without_a_port_and_a_certificate_there_is_nothing() {
    let tls = Tls::default();
    tls.begin(&Config::new()).unwrap();
    assert!(tls.current().is_none());
}

#[test]
fn a_port_needs_files_that_can_be_used() {
    let files = Files::new();
    std::fs::remove_file(files.path("key")).unwrap();
    assert!(Tls::default().begin(&files.config("7000")).unwrap_err().contains("key: No such file"));
    // Without a port nobody is waiting for it.
    Tls::default().begin(&files.config("0")).unwrap();
}

#[test]
fn what_config_set_would_break_stays() {
    let (files, tls) = (Files::new(), Tls::default());
    let config = files.config("7000");
    tls.begin(&config).unwrap();
    let before = tls.current();
    let refused: &[(&[u8], &[u8])] = &[
        (b"tls-cert-file", b"/nonexistent"),
        (b"TLS-PROTOCOLS", b"TLSv1.1"),
        (b"tls-key-file-pass", b"secret"),
        (b"tls-auth-clients", b"yes"),
        (b"tls-ciphers", b"RC4-MD5"),
    ];
    for pair in refused {
        let error = tls.prepare(&config, &[(b"hz", b"10"), *pair]).err().unwrap().to_string();
        let name = String::from_utf8(pair.0.to_ascii_lowercase()).unwrap();
        let expected = format!(
            "ERR CONFIG SET failed (possibly related to argument '{name}') - Unable to update TLS configuration. \
             Check server logs."
        );
        assert_eq!(error, expected);
    }
    assert!(tls.prepare(&config, &[(b"hz", b"10")]).unwrap().is_none());
    assert!(same(&tls, &before));
    let cert = files.path("cert").display().to_string();
    tls.prepare(&config, &[(b"tls-cert-file", cert.as_bytes())]).unwrap().unwrap().commit();
    assert!(!same(&tls, &before), "the same value loads the file anew");
}

#[test]
fn changed_files_are_loaded_once_they_have_settled() {
    let (files, tls) = (Files::new(), Tls::default());
    let config = files.config("7000");
    tls.begin(&config).unwrap();
    let before = tls.current();
    tls.follow_files(&config);
    tls.follow_files(&config);
    assert!(same(&tls, &before));
    files.replace("two");
    tls.follow_files(&config);
    assert!(same(&tls, &before), "seen once");
    tls.follow_files(&config);
    assert!(!same(&tls, &before), "seen twice");
}

#[test]
fn bad_files_leave_what_there_was_and_are_tried_once() {
    let (files, tls) = (Files::new(), Tls::default());
    let config = files.config("7000");
    tls.begin(&config).unwrap();
    let before = tls.current();
    std::fs::write(files.path("cert"), "nothing").unwrap();
    (0..3).for_each(|_| tls.follow_files(&config));
    assert!(same(&tls, &before));
    assert_eq!(tls.files.lock().tried, stamps(&config), "not tried again");
    files.replace("three");
    (0..2).for_each(|_| tls.follow_files(&config));
    assert!(!same(&tls, &before));
}
