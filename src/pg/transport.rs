//! The bytes' way to a server: socket, TLS negotiation, and the start-up packet of a replication connection.

use super::error::{Failure, PgError, one_line};
use super::resolve::Endpoint;
use crate::domain::conninfo::ConnInfo;
use crate::sys::users;
use rustix::net::sockopt;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready as poll_ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, UnixStream};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Any connected socket.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

type Socket = Box<dyn Io>;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// What the handshake needs.
#[derive(Clone)]
pub(super) struct Handshake {
    /// Settings of rustls.
    pub connector: MakeRustlsConnect,
    /// The name for SNI and verification.
    pub name: String,
    /// Whether the server is asked first.
    pub start: Start,
    /// What happens when the server has no TLS.
    pub without: Without,
}

/// `sslnegotiation`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// PostgreSQL's own question comes first.
    Asked,
    /// The handshake comes at once (servers from 17 on).
    Direct,
}

/// A server without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// The connection goes on in plain.
    GoOn,
    /// That is a failure.
    Fail,
}

/// Connects a socket with the options that the connection string asks for.
pub(super) async fn dial(endpoint: &Endpoint, info: &ConnInfo) -> Result<Socket, PgError> {
    match endpoint {
        Endpoint::Socket(path) => {
            let stream = UnixStream::connect(path).await.map_err(|e| PgError::of_io(&e))?;
            if let Some(wanted) = info.get("requirepeer") {
                check_peer(&stream, wanted)?;
            }
            Ok(Box::new(stream))
        }
        Endpoint::Address(address) => {
            let stream = dial_tcp(*address, info).await.map_err(|e| PgError::of_io(&e))?;
            Ok(Box::new(stream))
        }
    }
}

fn check_peer(stream: &UnixStream, wanted: &str) -> Result<(), PgError> {
    let uid = stream.peer_cred().map_err(|e| PgError::of_io(&e))?.uid();
    let name = users::by_uid(uid).map_or_else(|| uid.to_string(), |a| a.name);
    if name == wanted {
        return Ok(());
    }
    Err(PgError::new(
        Failure::Denied,
        format!("requirepeer specifies \"{wanted}\", but actual peer user name is \"{name}\""),
    ))
}

async fn dial_tcp(address: SocketAddr, info: &ConnInfo) -> io::Result<tokio::net::TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    set_options(socket.as_fd(), info)?;
    socket.connect(address).await
}

/// Keepalives and tcp_user_timeout (milliseconds); what is not a number above 0 leaves the system's value.
fn set_options(socket: BorrowedFd<'_>, info: &ConnInfo) -> io::Result<()> {
    let number = |key| info.get(key).and_then(|v| v.parse::<u32>().ok()).filter(|n| *n > 0);
    let seconds = |key| number(key).map(|n| Duration::from_secs(n.into()));
    if let Some(ms) = number("tcp_user_timeout") {
        sockopt::set_tcp_user_timeout(socket, ms)?;
    }
    if info.get("keepalives") == Some("0") {
        return Ok(());
    }
    sockopt::set_socket_keepalive(socket, true)?;
    if let Some(time) = seconds("keepalives_idle") {
        sockopt::set_tcp_keepidle(socket, time)?;
    }
    if let Some(time) = seconds("keepalives_interval") {
        sockopt::set_tcp_keepintvl(socket, time)?;
    }
    if let Some(count) = number("keepalives_count") {
        sockopt::set_tcp_keepcnt(socket, count)?;
    }
    Ok(())
}

/// Makes a socket ready for the start-up packet: encrypted when `tls` says how.
pub(super) async fn secure(mut socket: Socket, tls: Option<&Handshake>) -> Result<Pipe, PgError> {
    let Some(tls) = tls else {
        return Ok(Pipe::plain(socket));
    };
    if tls.start == Start::Asked {
        match ask_for_tls(&mut socket).await.map_err(|e| PgError::of_io(&e))? {
            b'S' => {}
            b'N' if tls.without == Without::GoOn => return Ok(Pipe::plain(socket)),
            b'N' => return Err(no_tls("server does not support SSL, but SSL was required")),
            _ => return Err(PgError::new(Failure::Lost, "received invalid response to SSL negotiation")),
        }
    }
    let mut connector = tls.connector.clone();
    let connect = match MakeTlsConnect::<Socket>::make_tls_connect(&mut connector, &tls.name) {
        Ok(connect) => connect,
        Err(never) => match never {},
    };
    match connect.connect(socket).await {
        Ok(stream) => Ok(Pipe { stream: Stream::Encrypted(Box::new(stream)), startup: Startup::Done }),
        Err(e) => Err(PgError::new(Failure::Tls, one_line(&format!("SSL error: {e}")))),
    }
}

fn no_tls(why: &str) -> PgError {
    PgError::new(Failure::Tls, why)
        .hint("turn ssl on in that server's postgresql.conf, or choose another sslmode")
}

async fn ask_for_tls(socket: &mut Socket) -> io::Result<u8> {
    let request = bytes_of_ssl_request();
    socket.write_all(&request).await?;
    socket.flush().await?;
    // One byte and no more: what follows it must be part of the handshake.
    socket.read_u8().await
}

/// Length 8 and the code 80877103.
const fn bytes_of_ssl_request() -> [u8; 8] {
    [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]
}

/// A stream ready for PostgreSQL's protocol.
pub(super) struct Pipe {
    stream: Stream,
    startup: Startup,
}

enum Stream {
    Plain(Socket),
    Encrypted(Box<Encrypted>),
}

/// tokio-postgres cannot ask for a replication connection: its start-up packet gets the parameter on the way.
enum Startup {
    /// The next write is the start-up packet; these bytes go in front of its last NUL.
    Extend(&'static [u8]),
    /// The longer packet, and how much of it is written.
    Writing(Vec<u8>, usize),
    /// Bytes pass unchanged.
    Done,
}

impl Pipe {
    fn plain(socket: Socket) -> Self {
        Self { stream: Stream::Plain(socket), startup: Startup::Done }
    }

    /// Asks for a physical replication connection.
    pub(super) fn for_replication(mut self) -> Self {
        self.startup = Startup::Extend(b"replication\0true\0");
        self
    }

    /// True behind a TLS handshake.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Encrypted(_))
    }
}

impl Stream {
    fn inner(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Plain(socket) => Pin::new(socket),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()),
        }
    }
}

/// The packet with `extra` in front of its terminator. `None`: it is no start-up packet.
fn extended(packet: &[u8], extra: &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(packet.get(..4)?.try_into().ok()?);
    let (body, end) = packet.get(4..)?.split_at_checked(packet.len().checked_sub(5)?)?;
    if usize::try_from(length).ok()? != packet.len() || end != [0] {
        return None;
    }
    let length = u32::try_from(packet.len() + extra.len()).ok()?;
    Some([&length.to_be_bytes(), body, extra, end].concat())
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.inner().poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, startup } = self.get_mut();
        if let Startup::Extend(extra) = startup {
            match extended(buf, extra) {
                Some(packet) => *startup = Startup::Writing(packet, 0),
                None => return Poll::Ready(Err(io::Error::other("no start-up packet to extend"))),
            }
        }
        if let Startup::Writing(packet, written) = startup {
            while *written < packet.len() {
                match poll_ready!(stream.inner().poll_write(cx, &packet[*written..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    n => *written += n,
                }
            }
            *startup = Startup::Done;
            return Poll::Ready(Ok(buf.len()));
        }
        stream.inner().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.inner().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.inner().poll_shutdown(cx)
    }
}

impl TlsStream for Pipe {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Stream::Plain(_) => ChannelBinding::none(),
            Stream::Encrypted(stream) => stream.channel_binding(),
        }
    }
}

/// Tells tokio-postgres that the stream is as it should be: the negotiation has taken place.
pub(super) struct Negotiated;

impl TlsConnect<Pipe> for Negotiated {
    type Stream = Pipe;
    type Error = Infallible;
    type Future = Ready<Result<Pipe, Infallible>>;

    fn connect(self, stream: Pipe) -> Self::Future {
        ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_startup_packet_gets_one_more_parameter_and_nothing_else_does() {
        let packet = b"\0\0\0\x10\0\x03\0\0user\0u\0\0";
        let packet = {
            let mut p = packet.to_vec();
            p[3] = u8::try_from(p.len()).unwrap();
            p
        };
        let got = extended(&packet, b"k\0v\0").unwrap();
        assert_eq!(got, [b"\0\0\0\x14\0\x03\0\0user\0u\0".as_slice(), b"k\0v\0\0"].concat().as_slice());
        assert_eq!(usize::from(got[3]), got.len());
        for (why, bytes) in [("empty", b"".as_slice()), ("short", b"\0\0\0\x04"), ("cut", &packet[..9])] {
            assert_eq!(extended(bytes, b"k\0v\0"), None, "{why}");
        }
    }
}
