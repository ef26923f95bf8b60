//! A client that hides nothing: bytes out, one parsed response in, the connection in the open.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer in any case; a test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Conn {
    reader: BufReader<TcpStream>,
    /// What [`Conn::request`] sends as Host.
    pub host: String,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Conn {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        Self::over(stream)
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_nodelay(true).expect("nodelay");
        Self { reader: BufReader::new(stream), host: "test.local:25580".to_owned() }
    }

    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Our own address as the load balancer sees it.
    pub fn local_ip(&self) -> String {
        self.stream().local_addr().expect("local address").ip().to_string()
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("send");
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    pub fn finish_sending(&self) {
        self.stream().shutdown(Shutdown::Write).expect("shutdown");
    }

    /// One GET; the connection can be used again.
    pub fn get(&mut self, path: &str, headers: &[&str]) -> Response {
        self.request("GET", path, headers, b"")
    }

    /// A request with a Content-Length where there is a body.
    pub fn request(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Response {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        // In one piece: whether a request lies whole in the proxy's buffer shall not be chance.
        self.send([head.as_bytes(), body].concat());
        self.response(method)
    }

    pub fn response(&mut self, method: &str) -> Response {
        self.try_response(method).unwrap_or_else(|error| panic!("no whole response: {error}"))
    }

    /// The next response, interim ones included; an error if the connection ends inside it.
    pub fn try_response(&mut self, method: &str) -> io::Result<Response> {
        let head = self.head()?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status in {head:?}")))?;
        let mut response = Response { status, head, body: Vec::new() };
        let bodiless = status < 200 || status == 204 || status == 304 || method == "HEAD";
        if bodiless {
            return Ok(response);
        }
        response.body =
            match (response.header("transfer-encoding"), response.header("content-length")) {
                (Some(_), _) => self.chunks()?,
                (None, Some(length)) => {
                    let length = length.parse().map_err(io::Error::other)?;
                    self.exactly(length)?
                }
                (None, None) => self.rest()?,
            };
        Ok(response)
    }

    /// Nothing comes and the connection does not end, for so long.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        let stream = self.reader.get_ref();
        stream.set_read_timeout(Some(time)).expect("a timeout");
        let ended = stream.peek(&mut [0]);
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        ended.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads a little at a time until the end, in whatever way; gives how much it was.
    pub fn sip(&mut self, bytes: usize, pause: Duration) -> usize {
        let (mut sip, mut total) = (vec![0; bytes], 0);
        while let Ok(taken @ 1..) = self.reader.get_mut().read(&mut sip) {
            total += taken;
            std::thread::sleep(pause);
        }
        total
    }

    /// Everything until the end of the connection.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head)? == 0 {
                return Err(io::Error::other(format!("end of the connection after {head:?}")));
            }
        }
        Ok(head)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let size = line.trim_end().split(';').next().unwrap_or("");
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| io::Error::other(format!("chunk size {line:?}")))?;
            if size == 0 {
                break;
            }
            body.extend(self.exactly(size)?);
            if self.exactly(2)? != b"\r\n" {
                return Err(io::Error::other("no line end behind a chunk"));
            }
        }
        // Trailers, up to the empty line.
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::Error::other("end of the connection in the trailers"));
            }
            if line == "\r\n" {
                return Ok(body);
            }
        }
    }
}

impl Response {
    /// Value of the first field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    pub fn headers(&self, name: &str) -> Vec<&str> {
        named(&self.head, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Which backend answered: the name on the echo page.
    pub fn backend(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.body).ok()?;
        named(text, "hostname").into_iter().next()
    }

    /// What the backend received under this name: the values on the echo page.
    pub fn received(&self, name: &str) -> Vec<String> {
        let text = self.text();
        named(&text, name).into_iter().map(str::to_owned).collect()
    }

    /// The sticky cookie's `name=value`, as a browser would send it back.
    pub fn cookie(&self) -> Option<&str> {
        self.header("set-cookie")?.split(';').next()
    }
}

fn named<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let wanted = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    wanted.map(|(_, value)| value.trim()).collect()
}
