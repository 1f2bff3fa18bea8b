//! A client of HTTP/1.1 that does as little as can be done: what is measured shares its processors.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The status line and the headers.
    pub head: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }
}

/// A whole request, ready to be sent any number of times.
pub fn request(method: &str, path: &str, token: &str, body: Option<&str>) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
    match body {
        Some(body) => {
            let length = body.len();
            format!("{head}Content-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
        }
        None => format!("{head}\r\n").into_bytes(),
    }
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and waits for its whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
        };
        let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let (status, length) = {
            let text = str::from_utf8(&self.buffer[..head]).map_err(|_| broken("the head is not text"))?;
            let status = text.get(9..12).and_then(|status| status.parse().ok());
            let length = header(text, "content-length").and_then(|length| length.parse::<usize>().ok());
            (status.ok_or_else(|| broken("there is no status"))?, length)
        };
        // The service says the length of all that is measured here.
        let end = head + 4 + length.ok_or_else(|| broken("the answer does not say its length"))?;
        while self.buffer.len() < end {
            self.more().await?;
        }
        let (head, body) = self.buffer[..end].split_at(head);
        Ok(Answer { status, head: str::from_utf8(head).unwrap_or_default(), body: &body[4..] })
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the service closed the connection")),
            _ => Ok(()),
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.split("\r\n").skip(1);
    lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then(|| value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\nlocation: http://h/fhir/Communication/a";
        assert_eq!(header(head, "content-length"), Some("12"));
        assert_eq!(header(head, "Location"), Some("http://h/fhir/Communication/a"));
        assert_eq!(header(head, "etag"), None);
    }
}
