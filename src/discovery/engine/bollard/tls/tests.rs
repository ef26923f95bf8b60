//! Connections to an engine that asks who we are.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{BollardEngine, Engine as _, Trouble};
use super::*;
use crate::config;

/// An authority, and who it has signed: a server at 127.0.0.1 and a client.
struct Pki {
    ca: String,
    server: (String, String),
    client: (String, String),
}

impl Pki {
    fn new() -> Pki {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        Pki { server: signed("127.0.0.1"), client: signed("client"), ca }
    }

    /// An engine that wants to see a client's certificate, and answers every request with its
    /// version and an empty list behind it.
    async fn serve(&self) -> String {
        let authorities = Arc::new(roots(Some(&self.ca)).unwrap());
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                certificates("cert", &self.server.0).unwrap(),
                PrivateKeyDer::from_pem_slice(self.server.1.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let body = match head.starts_with("GET /version ") {
                    true => r#"{"Version":"26.1.5","ApiVersion":"1.45"}"#,
                    false => "[]",
                };
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        format!("tcp://{address}")
    }

    fn tls(&self) -> ClientTls {
        ClientTls {
            ca: Some(self.ca.clone()),
            cert: Some(self.client.0.clone()),
            key: Some(self.client.1.clone()),
            insecure_skip_verify: false,
        }
    }
}

async fn ask(endpoint: &str, tls: ClientTls) -> Result<usize, Trouble> {
    let flag = format!("--docker.endpoint={endpoint}");
    let mut statics = config::load(&["--docker".to_owned(), flag], &[]).unwrap();
    let mut settings = statics.docker.remove(0);
    settings.tls = Some(tls);
    let mut engine = BollardEngine::of(&settings);
    engine.negotiate().await?;
    engine.services().await.map(|services| services.len())
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let pki = Pki::new();
    let endpoint = pki.serve().await;
    assert_eq!(ask(&endpoint, pki.tls()).await, Ok(0));
    // By files, as most people have them.
    let folder = std::env::temp_dir().join(format!("ringress-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: Option<String>| {
        let path = folder.join(name);
        std::fs::write(&path, text.unwrap()).unwrap();
        Some(path.display().to_string())
    };
    let tls = pki.tls();
    let files = ClientTls {
        ca: file("ca.pem", tls.ca),
        cert: file("cert.pem", tls.cert),
        key: file("key.pem", tls.key),
        insecure_skip_verify: false,
    };
    let found = ask(&endpoint, files).await;
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found, Ok(0));
}

#[tokio::test]
async fn strangers_are_not_believed() {
    let (pki, other) = (Pki::new(), Pki::new());
    let endpoint = pki.serve().await;
    let text = |found: Result<usize, Trouble>| found.unwrap_err().to_string();
    let foreign = ClientTls { ca: Some(other.ca.clone()), ..pki.tls() };
    let answer = text(ask(&endpoint, foreign.clone()).await);
    assert!(answer.contains("invalid peer certificate"), "{answer}");
    let believing = ClientTls { insecure_skip_verify: true, ..foreign };
    assert_eq!(ask(&endpoint, believing).await, Ok(0));
    let unknown = ClientTls { cert: None, key: None, ..pki.tls() };
    let answer = text(ask(&endpoint, unknown).await);
    assert!(answer.contains("CertificateRequired"), "{answer}");
}

#[test]
fn what_is_wrong_is_named() {
    let pki = Pki::new();
    let wrong = |tls: ClientTls| client_config(&tls).unwrap_err();
    let ca = Some("/no/such/ca.pem".to_owned());
    assert!(wrong(ClientTls { ca, ..pki.tls() }).starts_with("tls.ca: /no/such/ca.pem: No such"));
    assert_eq!(wrong(ClientTls { key: None, ..pki.tls() }), "tls.cert needs its tls.key");
    let cert = Some(pki.client.1.clone());
    let found = wrong(ClientTls { cert, ..pki.tls() });
    assert_eq!(found, "tls.cert has no certificate in PEM");
    let key = Some(Pki::new().client.1);
    assert!(wrong(ClientTls { key, ..pki.tls() }).starts_with("tls.cert and tls.key: "));
}
