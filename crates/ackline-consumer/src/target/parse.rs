//! The grammar of URLs. It is our own because those of sentinels and clusters name several hosts, which URLs of the web do not.

use super::{Host, Login, Place, Remote, Secret, Target, Tls};
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use url::form_urlencoded;

const SCHEMES: &str =
    "memory:, ackline:, redis://, rediss://, redis+unix://, redis+sentinel:// and redis+cluster://";
const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

type Parsed<T> = Result<T, String>;

pub(super) fn target(url: &str) -> Parsed<Target> {
    let (scheme, rest) = url.split_once(':').ok_or_else(|| format!("a URL begins with one of {SCHEMES}"))?;
    match scheme.to_ascii_lowercase().as_str() {
        "memory" => match rest {
            "" | "//" => Ok(Target::Memory),
            _ => Err("nothing stands behind memory:".to_owned()),
        },
        "ackline" => directory(rest).map(Target::Directory),
        scheme => remote(scheme, rest).map(Box::new).map(Target::Remote),
    }
}

fn directory(rest: &str) -> Parsed<PathBuf> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("a directory is written ackline:///absolute or ackline:./relative".to_owned()),
        None => rest,
    };
    if path.contains(['?', '#']) {
        return Err("a directory has no parameters; ? and # in its name are written %3F and %23".to_owned());
    }
    match decoded(path)?.as_str() {
        "" => Err("a directory is missing".to_owned()),
        path => Ok(PathBuf::from(path)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Server,
    Socket,
    Sentinel,
    Cluster,
}

fn kind(scheme: &str) -> Parsed<(Kind, bool)> {
    let (base, kind) = match scheme.split_once('+') {
        None if scheme == "unix" => ("redis", Kind::Socket),
        None => (scheme, Kind::Server),
        Some((base, "unix")) => (base, Kind::Socket),
        Some((base, "sentinel")) => (base, Kind::Sentinel),
        Some((base, "cluster")) => (base, Kind::Cluster),
        Some(_) => ("", Kind::Server),
    };
    match base {
        "redis" | "valkey" => Ok((kind, false)),
        "rediss" | "valkeys" if kind != Kind::Socket => Ok((kind, true)),
        _ => Err(format!("the scheme {scheme:?} is none of {SCHEMES}")),
    }
}

/// The parts of `//login@authority/path?query`.
struct Parts<'a> {
    login: Login,
    authority: &'a str,
    path: &'a str,
    query: Query,
}

fn parts(rest: &str) -> Parsed<Parts<'_>> {
    let rest = rest.strip_prefix("//").ok_or("// is missing behind the scheme")?;
    if rest.contains('#') {
        return Err("a URL of a server has no fragment; # in a password is written %23".to_owned());
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // Most likely a password that was not escaped: what follows must not quote parts of it.
    if path.contains('@') || query.contains('@') {
        return Err("in a password / is written %2F and ? %3F; behind the hosts @ is written %40".to_owned());
    }
    let (login, authority) = match authority.rsplit_once('@') {
        Some((login, authority)) => (credentials(login)?, authority),
        None => (Login::default(), authority),
    };
    Ok(Parts { login, authority, path, query: Query::new(query) })
}

fn remote(scheme: &str, rest: &str) -> Parsed<Remote> {
    let (kind, tls) = kind(scheme)?;
    let Parts { login, authority, path, mut query } = parts(rest)?;
    let tls = if tls { Some(query.tls()?) } else { None };
    let (place, database) = match kind {
        Kind::Server => (Place::Server(host(authority, SERVER_PORT)?), database(path)?),
        Kind::Socket => (socket(authority, path)?, database(&query.take("db").unwrap_or_default())?),
        Kind::Sentinel => sentinel(authority, path, &mut query)?,
        Kind::Cluster => (Place::Cluster(hosts(authority, SERVER_PORT)?), database(path)?),
    };
    query.end(tls.is_some())?;
    Ok(Remote { place, login, database, tls })
}

fn credentials(text: &str) -> Parsed<Login> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let user = decoded(user)?;
    let password = password.map(decoded).transpose()?.filter(|password| !password.is_empty());
    if password.is_none() && !user.is_empty() {
        return Err("a user comes with a password: user:password@; a password alone is :password@".to_owned());
    }
    Ok(Login { user: Some(user).filter(|user| !user.is_empty()), password: password.map(Secret) })
}

fn sentinel(authority: &str, path: &str, query: &mut Query) -> Parsed<(Place, u32)> {
    let path = path.trim_matches('/');
    let (service, number) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err("the name of the service is missing: redis+sentinel://host:26379/service".to_owned());
    }
    let login =
        Login { user: query.take("sentinel_user"), password: query.take("sentinel_password").map(Secret) };
    let sentinels = hosts(authority, SENTINEL_PORT)?;
    Ok((Place::Sentinel { sentinels, service: decoded(service)?, login }, database(number)?))
}

fn socket(authority: &str, path: &str) -> Parsed<Place> {
    if !authority.is_empty() || path.len() < 2 {
        return Err("the path of a socket is absolute: redis+unix:///path".to_owned());
    }
    Ok(Place::Socket(decoded(path)?.into()))
}

fn database(path: &str) -> Parsed<u32> {
    match path.trim_matches('/') {
        "" => Ok(0),
        number => number.parse().map_err(|_| format!("{number:?} is not the number of a database")),
    }
}

fn hosts(list: &str, port: u16) -> Parsed<Vec<Host>> {
    list.split(',').map(|one| host(one, port)).collect()
}

fn host(text: &str, default: u16) -> Parsed<Host> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']').ok_or("] is missing")?;
            name.parse::<std::net::Ipv6Addr>().map_err(|_| "there is no address between [ and ]")?;
            (name, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if name.is_empty() {
        return Err("a host is missing".to_owned());
    }
    if name.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control()) {
        return Err("that is no host; several belong to redis+cluster and redis+sentinel".to_owned());
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => default,
        number => number
            .and_then(|number| number.parse().ok())
            .filter(|&port| port != 0)
            .ok_or("a host has no valid port")?,
    };
    Ok(Host { name: name.to_owned(), port })
}

fn decoded(text: &str) -> Parsed<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err("what % stands for is not UTF-8".to_owned()),
    }
}

/// The parameters behind `?`, each to be taken once.
struct Query(Vec<(String, String)>);

impl Query {
    fn new(text: &str) -> Query {
        // A + stays a +: that it means a space is a habit of forms, and passwords have it.
        let text = text.replace('+', "%2B");
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_empty())
    }

    fn tls(&mut self) -> Parsed<Tls> {
        let identity = match (self.take("cert"), self.take("key")) {
            (Some(cert), Some(key)) => Some((cert.into(), key.into())),
            (None, None) => None,
            _ => return Err("cert and key belong together".to_owned()),
        };
        let insecure = match self.take("insecure").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err("insecure is true or false".to_owned()),
        };
        Ok(Tls { ca: self.take("ca").map(PathBuf::from), identity, insecure })
    }

    fn end(self, tls: bool) -> Parsed<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) if !tls && ["ca", "cert", "key", "insecure"].contains(&name.as_str()) => {
                Err(format!("the parameter {name:?} is for TLS: rediss"))
            }
            Some((name, _)) => Err(format!("there is no parameter {name:?} here")),
        }
    }
}

/// The URL with everything that may be a password replaced. It need not be a good URL.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.rsplit_once('@').map_or_else(|| masked_query(url), |(_, rest)| format!("***@{rest}"));
    };
    match rest.rsplit_once('@') {
        None => format!("{scheme}://{}", masked_query(rest)),
        Some((login, rest)) => {
            let user = login.split_once(':').map_or("", |(user, _)| user);
            format!("{scheme}://{user}:***@{}", masked_query(rest))
        }
    }
}

fn masked_query(text: &str) -> String {
    let Some((rest, query)) = text.split_once('?') else { return text.to_owned() };
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => part.to_owned(),
    });
    format!("{rest}?{}", parts.collect::<Vec<_>>().join("&"))
}
