//! TLS to an engine, or to a socket proxy before it.
//!
//! bollard's own way wants all of CA, certificate and key as files and cannot be told to believe
//! any certificate: what Traefik's options ask for does not fit through it. So the connection is
//! made here, from the same parts, and handed to bollard.

use std::pin::Pin;
use std::sync::Arc;

use bollard::errors::Error;
use bollard::{BollardRequest, Docker};
use http::Response;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::CALL_TIMEOUT_S;
use crate::config::ClientTls;

/// A client for the engine at `address`, which is `host:port`. Files are read now: a certificate
/// that is renewed on disk counts from the next connection to the engine on. The error names the
/// option and what is wrong with its value.
pub(super) fn open(address: &str, tls: &ClientTls) -> Result<Docker, String> {
    let connector: HttpsConnector<HttpConnector> = HttpsConnectorBuilder::new()
        .with_tls_config(client_config(tls)?)
        .https_only()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let transport = move |request: BollardRequest| {
        let response = client.request(request);
        let response = async move { response.await.map_err(Error::from) };
        Box::pin(response)
            as Pin<Box<dyn Future<Output = Result<Response<Incoming>, Error>> + Send>>
    };
    let address = Some(format!("https://{address}"));
    Docker::connect_with_custom_transport(
        transport,
        address,
        CALL_TIMEOUT_S,
        bollard::API_DEFAULT_VERSION,
    )
    .map_err(|error| error.to_string())
}

fn client_config(tls: &ClientTls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match tls.insecure_skip_verify {
        true => builder.dangerous().with_custom_certificate_verifier(Arc::new(Believing(provider))),
        false => builder.with_root_certificates(roots(tls.ca.as_deref())?),
    };
    match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(&pem("tls.key", key)?);
            let key = key.map_err(|error| format!("tls.key: {error}"))?;
            builder
                .with_client_auth_cert(certificates("tls.cert", cert)?, key)
                .map_err(|error| format!("tls.cert and tls.key: {error}"))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(_), None) => Err("tls.cert needs its tls.key".to_owned()),
        (None, Some(_)) => Err("tls.key needs its tls.cert".to_owned()),
    }
}

fn roots(ca: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        let (added, _) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return match added {
            0 => Err("no tls.ca is given, and this machine trusts nobody by itself".to_owned()),
            _ => Ok(roots),
        };
    };
    for certificate in certificates("tls.ca", ca)? {
        roots.add(certificate).map_err(|error| format!("tls.ca: {error}"))?;
    }
    Ok(roots)
}

fn certificates(option: &str, value: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = pem(option, value)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| format!("{option}: {error}"))?;
    match all.is_empty() {
        true => Err(format!("{option} has no certificate in PEM")),
        false => Ok(all),
    }
}

/// The value itself, or the file that it names.
fn pem(option: &str, value: &str) -> Result<Vec<u8>, String> {
    if value.trim_start().starts_with("-----BEGIN") {
        return Ok(value.as_bytes().to_vec());
    }
    std::fs::read(value).map_err(|error| format!("{option}: {value}: {error}"))
}

/// Believes any certificate, though not that somebody holds its key who does not.
#[derive(Debug)]
struct Believing(Arc<CryptoProvider>);

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
