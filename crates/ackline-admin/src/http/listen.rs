//! The doors of the admin port, and who stands in them.

use ackline_server::config::Config;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::crowd::Crowd;
use super::patient::Patient;

/// Connections at once, and those that may come from one address.
const CONNECTIONS: usize = 512;
const FROM_ONE: usize = CONNECTIONS / 2;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const HEAD_MAX: usize = 64 * 1024;

/// Listens where `admin-bind` and `admin-port` say. None if the port is off, or if it is taken and nobody asked for it.
pub(crate) fn doors(config: &Config) -> Result<Vec<TcpListener>, String> {
    let port = config.int("admin-port") as u16;
    let words = config.string("admin-bind");
    let mut doors = Vec::new();
    for word in words.split_whitespace().filter(|_| port > 0) {
        let optional = word.starts_with('-');
        match address(word.trim_start_matches('-'), port).and_then(bind) {
            Ok(door) => doors.push(door),
            Err(error) if optional => tracing::info!("the console does not listen on {word}: {error}"),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && !config.is_given("admin-port") => {
                tracing::warn!(
                    "there is no console: {word}:{port} is taken by another program (admin-port chooses another port)"
                );
                return Ok(Vec::new());
            }
            Err(error) => return Err(format!("cannot listen on {word}:{port} (admin-port): {error}")),
        }
    }
    Ok(doors)
}

fn address(word: &str, port: u16) -> io::Result<SocketAddr> {
    let ip: Result<IpAddr, _> = match word {
        "*" => "0.0.0.0".parse(),
        "::*" => "::".parse(),
        "localhost" => "127.0.0.1".parse(),
        _ => word.parse(),
    };
    let ip = ip.map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not an IP address"))?;
    Ok(SocketAddr::new(ip, port))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let door = TcpListener::bind(address)?;
    door.set_nonblocking(true)?;
    Ok(door)
}

/// Serves who comes through a door, for ever.
pub(crate) async fn accept(door: TcpListener, router: Router, room: Room) -> io::Result<()> {
    let door = tokio::net::TcpListener::from_std(door)?;
    loop {
        // Without room for one more nobody is asked in: they wait in the system's queue.
        let permit = Arc::clone(&room.all).acquire_owned().await.map_err(io::Error::other)?;
        match door.accept().await {
            Ok((stream, from)) => {
                // Who has more than a share learns it from the closed connection.
                let Some(place) = room.crowd.enter(from.ip(), FROM_ONE) else { continue };
                // Only how soon answers leave depends on it.
                let _ = stream.set_nodelay(true);
                let service = router.clone().layer(axum::Extension(ConnectInfo(from)));
                tokio::spawn(async move {
                    let io = TokioIo::new(Patient::new(stream));
                    let mut http = hyper::server::conn::http1::Builder::new();
                    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_MAX);
                    // Whatever went wrong went wrong for the peer, who knows.
                    let _ = http.serve_connection(io, TowerToHyperService::new(service)).await;
                    drop((permit, place));
                });
            }
            Err(error) => {
                tracing::warn!("the console could not accept a connection: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Room for all connections.
#[derive(Clone)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    crowd: Crowd,
}

impl Default for Room {
    fn default() -> Room {
        Room { all: Arc::new(Semaphore::new(CONNECTIONS)), crowd: Crowd::default() }
    }
}
