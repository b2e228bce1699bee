//! A server that speaks TLS, at a port beside the plain one, and certificates for it and its clients.

use super::{Kind, Server, free_port};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::Path;
use tempfile::TempDir;

pub(crate) struct Secured {
    pub(crate) server: Server,
    pub(crate) port: u16,
    files: TempDir,
}

impl Secured {
    /// Starts a server whose clients need a certificate, or need none. Nothing if there is no such program.
    pub(crate) fn start(kind: Kind, clients: bool) -> Option<Secured> {
        let files = tempfile::tempdir().unwrap();
        write_certificates(files.path());
        let (port, path) = (free_port(), |name: &str| files.path().join(name).to_str().unwrap().to_owned());
        let (number, ca, cert, key) = (port.to_string(), path("ca.pem"), path("cert.pem"), path("key.pem"));
        let files_of = ["--tls-ca-cert-file", &ca, "--tls-cert-file", &cert, "--tls-key-file", &key];
        let rest = ["--tls-port", &number, "--tls-auth-clients", if clients { "yes" } else { "no" }];
        let server = Server::start_with(kind, &[&files_of[..], &rest[..]].concat())?;
        Some(Secured { server, port, files })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.files.path().join(name).to_str().unwrap().to_owned()
    }

    /// With what a client has to know. The certificate is for `localhost` only.
    pub(crate) fn url(&self) -> String {
        let (ca, cert, key) = (self.path("ca.pem"), self.path("cert.pem"), self.path("key.pem"));
        format!("rediss://localhost:{}?ca={ca}&cert={cert}&key={key}", self.port)
    }
}

fn write_certificates(dir: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // A name of its own: to OpenSSL a certificate whose issuer has the same name would be self-signed.
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.signed_by(&key, &ca).unwrap();
    for (name, text) in [("ca.pem", ca.pem()), ("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}
