//! Pingora as a peer: one thread, backend connections kept, the forwarding headers that Ringress
//! sends. Apart from that, what Pingora does when nobody asks for anything; it writes no log.

use std::net::SocketAddr;

use async_trait::async_trait;
use clap::Parser;
use pingora::http::RequestHeader;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

/// Forwards HTTP/1.1 to one backend.
#[derive(Parser)]
struct Options {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    backend: SocketAddr,
}

struct Peer {
    backend: SocketAddr,
    port: String,
    server: String,
}

#[async_trait]
impl ProxyHttp for Peer {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.backend, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        let client = session.client_addr().and_then(|address| address.as_inet());
        let client = client.map(|address| address.ip().to_string()).unwrap_or_default();
        let on_the_way = request.headers.get("X-Forwarded-For");
        let all = match on_the_way.and_then(|value| value.to_str().ok()) {
            Some(others) => format!("{others}, {client}"),
            None => client.clone(),
        };
        request.insert_header("X-Forwarded-For", all)?;
        if let Some(host) = request.headers.get("Host").cloned() {
            request.insert_header("X-Forwarded-Host", host)?;
        }
        request.insert_header("X-Forwarded-Port", self.port.as_str())?;
        request.insert_header("X-Forwarded-Proto", "http")?;
        request.insert_header("X-Forwarded-Server", self.server.as_str())?;
        request.insert_header("X-Real-Ip", client)?;
        Ok(())
    }
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let conf = ServerConf {
        threads: 1,
        // As many idle connections as nginx keeps here.
        upstream_keepalive_pool_size: 1024,
        // Ends at once on SIGTERM; its default is five minutes.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let peer = Peer {
        backend: options.backend,
        port: options.listen.port().to_string(),
        server: std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim_end().to_owned(),
    };
    let mut service = http_proxy_service(&server.configuration, peer);
    service.add_tcp(&options.listen.to_string());
    server.add_service(service);
    server.bootstrap();
    server.run_forever()
}
