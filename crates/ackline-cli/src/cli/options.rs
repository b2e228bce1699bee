//! The options of redis-cli, read as it reads them: up to the first word that is none; from there on it is the command.

use super::format::{Format, Output};
use ackline_admin::client::{Address, Place, Tls};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) address: Address,
    /// The password stood on the command line.
    pub(super) warns: bool,
    pub(super) ask_password: bool,
    /// 2 or 3; `None` = what fits the output.
    pub(super) protocol: Option<u8>,
    pub(super) name: Option<String>,
    /// How often; below 0 = for ever.
    pub(super) repeat: i64,
    pub(super) interval: Duration,
    pub(super) timeout: Option<Duration>,
    /// The last argument comes from standard input.
    pub(super) stdin_last: bool,
    /// The argument that stands for standard input.
    pub(super) stdin_tag: Option<Vec<u8>>,
    pub(super) quoted_input: bool,
    pub(super) format: Format,
    pub(super) table: bool,
    pub(super) strict: bool,
    pub(super) show_pushes: bool,
    pub(super) verbose: bool,
    pub(super) mode: Mode,
    /// For the modes that walk through the keys.
    pub(super) pattern: Option<Vec<u8>>,
    pub(super) count: u64,
    pub(super) pipe_timeout: u64,
    /// The command; none = interactive, or lines from standard input.
    pub(super) words: Vec<Vec<u8>>,
}

/// What it does instead of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Commands,
    Stat,
    Latency,
    Scan,
    BigKeys,
    MemKeys,
    Pipe,
}

/// Why there is nothing to do.
#[derive(Debug, PartialEq)]
pub(super) enum Stop {
    Help,
    Version,
    /// With what is wrong.
    Wrong(String),
}

/// Of other modes, which belong to what this is not.
const REFUSED: [&str; 18] = [
    "--cluster",
    "--eval",
    "--ldb",
    "--ldb-sync-mode",
    "--rdb",
    "--functions-rdb",
    "--replica",
    "--slave",
    "--lru-test",
    "--hotkeys",
    "--keystats",
    "--keystats-samples",
    "--intrinsic-latency",
    "--latency-dist",
    "--latency-history",
    "--vset-recall",
    "--tls-ciphers",
    "--tls-ciphersuites",
];

/// Options on their way, with what only comes together at the end.
struct Reading {
    options: Options,
    url: Option<Address>,
    host: Option<String>,
    port: Option<u16>,
    socket: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    database: Option<u32>,
    tls: Option<Tls>,
    certificates: Tls,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    output: Option<Output>,
    pushes: Option<bool>,
    quiet: bool,
}

/// Reads arguments, and the environment by `var`.
pub(super) fn read(args: Vec<OsString>, var: impl Fn(&str) -> Option<String>) -> Result<Options, Stop> {
    let mut reading = Reading::new();
    let mut args = args.into_iter().map(OsStringExt::into_vec).peekable();
    while let Some(word) = args.next_if(|word| word.starts_with(b"-") && word.as_slice() != b"-") {
        let name = String::from_utf8_lossy(&word).into_owned();
        // `-h` alone is a question.
        if name == "--help" || name == "-h" && args.peek().is_none() {
            return Err(Stop::Help);
        }
        if name == "--" {
            break;
        }
        if !reading.flag(&name)? {
            let wrong = || Stop::Wrong(format!("Unrecognized option or bad number of args for: '{name}'"));
            let known = takes_value(&name);
            let value = known.then(|| args.next()).flatten().ok_or_else(wrong)?;
            reading.value(&name, value)?;
        }
    }
    reading.options.words = args.collect();
    reading.finish(var)
}

/// Options behind which a word stands.
fn takes_value(name: &str) -> bool {
    const NAMES: [&str; 29] = [
        "-h",
        "-p",
        "-s",
        "-a",
        "--pass",
        "--user",
        "-u",
        "-n",
        "-r",
        "-i",
        "-X",
        "-d",
        "-D",
        "-t",
        "--name",
        "--sni",
        "--cacert",
        "--cacertdir",
        "--cert",
        "--key",
        "--show-pushes",
        "--pattern",
        "--quoted-pattern",
        "--count",
        "--pipe-timeout",
        "--memkeys-samples",
        "--cursor",
        "--top",
        "--uri",
    ];
    NAMES.contains(&name)
}

impl Reading {
    fn new() -> Reading {
        let format = Format { output: Output::Standard, between: b"\n".to_vec(), behind: b"\n".to_vec() };
        let options = Options {
            address: Address::plain("127.0.0.1", 6379),
            warns: false,
            ask_password: false,
            protocol: None,
            name: None,
            repeat: 1,
            interval: Duration::ZERO,
            timeout: None,
            stdin_last: false,
            stdin_tag: None,
            quoted_input: false,
            format,
            table: false,
            strict: false,
            show_pushes: true,
            verbose: false,
            mode: Mode::Commands,
            pattern: None,
            count: 10,
            pipe_timeout: 30,
            words: Vec::new(),
        };
        Reading {
            options,
            url: None,
            host: None,
            port: None,
            socket: None,
            user: None,
            password: None,
            database: None,
            tls: None,
            certificates: Tls::default(),
            cert: None,
            key: None,
            output: None,
            pushes: None,
            quiet: false,
        }
    }

    /// An option that stands alone; whether it is one.
    fn flag(&mut self, name: &str) -> Result<bool, Stop> {
        let options = &mut self.options;
        match name {
            "-v" | "--version" => return Err(Stop::Version),
            "-x" => options.stdin_last = true,
            "-e" => options.strict = true,
            "-2" => options.protocol = Some(2),
            "-3" => options.protocol = Some(3),
            // A single server has nothing to redirect to, and names are tried in the order of the system.
            "-c" | "-4" | "-6" => {}
            "--raw" => self.output = Some(Output::Raw),
            "--no-raw" => self.output = Some(Output::Standard),
            "--json" => self.output = Some(Output::Json),
            "--quoted-json" => self.output = Some(Output::QuotedJson),
            "--csv" => self.output = Some(Output::Csv),
            "--table" => options.table = true,
            "--quoted-input" => options.quoted_input = true,
            "--no-auth-warning" => self.quiet = true,
            "--askpass" => options.ask_password = true,
            "--tls" => self.tls = Some(Tls::default()),
            "--insecure" => self.certificates.insecure = true,
            "--verbose" => options.verbose = true,
            "--stat" => options.mode = Mode::Stat,
            "--latency" => options.mode = Mode::Latency,
            "--scan" => options.mode = Mode::Scan,
            "--bigkeys" => options.mode = Mode::BigKeys,
            "--memkeys" => options.mode = Mode::MemKeys,
            "--pipe" => options.mode = Mode::Pipe,
            _ if REFUSED.contains(&name) => return Err(Stop::Wrong(format!("{name} is not supported here"))),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, name: &str, word: Vec<u8>) -> Result<(), Stop> {
        let text = String::from_utf8_lossy(&word).into_owned();
        match name {
            "-X" => self.options.stdin_tag = Some(word),
            "-d" => self.options.format.between = word,
            "-D" => self.options.format.behind = word,
            "--pattern" => self.options.pattern = Some(word),
            "--quoted-pattern" => {
                self.options.pattern = Some(unquoted(&word).map_err(|why| Stop::Wrong(why.to_owned()))?)
            }
            "-r" => self.options.repeat = number(name, &text)?,
            "-i" => self.options.interval = seconds(name, &text)?,
            "-t" => self.options.timeout = Some(seconds(name, &text)?).filter(|time| !time.is_zero()),
            "--name" => self.options.name = Some(text),
            "--count" => self.options.count = number(name, &text)?,
            "--pipe-timeout" => self.options.pipe_timeout = number(name, &text)?,
            "--show-pushes" => self.pushes = yes_or_no(&text),
            "-h" => self.host = Some(text),
            "-p" => self.port = Some(number(name, &text)?),
            "-s" => self.socket = Some(PathBuf::from(OsString::from_vec(word))),
            "-a" | "--pass" => self.password = Some(text),
            "--user" => self.user = Some(text),
            "-n" => self.database = Some(number(name, &text)?),
            "-u" | "--uri" => self.url = Some(url(&text)?),
            "--sni" => self.certificates.server_name = Some(text),
            "--cacert" | "--cacertdir" => {
                self.certificates.ca = Some(PathBuf::from(OsString::from_vec(word)))
            }
            "--cert" => self.cert = Some(PathBuf::from(OsString::from_vec(word))),
            "--key" => self.key = Some(PathBuf::from(OsString::from_vec(word))),
            other => return Err(Stop::Wrong(format!("{other} is not supported here"))),
        }
        Ok(())
    }

    fn finish(mut self, var: impl Fn(&str) -> Option<String>) -> Result<Options, Stop> {
        let terminal = std::io::stdout().is_terminal();
        let format = &mut self.options.format;
        format.output = self.output.unwrap_or(if terminal { Output::Standard } else { Output::Raw });
        self.options.show_pushes = self.pushes.unwrap_or(terminal);
        let on_the_line =
            self.url.as_ref().is_some_and(|url| url.password.is_some()) || self.password.is_some();
        self.options.warns = on_the_line && !self.quiet;
        self.options.address = self.address(&var)?;
        Ok(self.options)
    }

    /// What was given by name wins over a URL, and that over the environment.
    fn address(&mut self, var: &impl Fn(&str) -> Option<String>) -> Result<Address, Stop> {
        let placed = self.host.is_some() || self.port.is_some() || self.socket.is_some();
        let default = || var("ACKLINE_URL").or_else(|| var("REDIS_URL")).filter(|_| !placed);
        let mut address = match (self.url.take(), default()) {
            (Some(address), _) => address,
            (None, Some(text)) => url(&text)?,
            (None, None) => Address::plain("127.0.0.1", 6379),
        };
        if let Place::Tcp(host, port) = &mut address.place {
            *host = self.host.take().unwrap_or_else(|| std::mem::take(host));
            *port = self.port.unwrap_or(*port);
        }
        if let Some(path) = self.socket.take() {
            address.place = Place::Unix(path);
        }
        address.user = self.user.take().or(address.user);
        let password = self.password.take().filter(|_| !self.options.ask_password);
        address.password = password.or(address.password).or_else(|| var("REDISCLI_AUTH"));
        address.database = self.database.unwrap_or(address.database);
        address.tls = self.encryption(address.tls.take())?;
        Ok(address)
    }

    fn encryption(&mut self, of_url: Option<Tls>) -> Result<Option<Tls>, Stop> {
        let mut tls = std::mem::take(&mut self.certificates);
        tls.identity = match (self.cert.take(), self.key.take()) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(Stop::Wrong("--cert and --key belong together".to_owned())),
        };
        Ok(self.tls.take().or(of_url).map(|_| tls))
    }
}

fn url(text: &str) -> Result<Address, Stop> {
    Address::parse(text).map_err(|why| match text.contains("://") {
        true if !has_scheme(text) => Stop::Wrong("Invalid URI scheme".to_owned()),
        _ => Stop::Wrong(format!("Invalid URI: {why}")),
    })
}

fn has_scheme(text: &str) -> bool {
    const SCHEMES: [&str; 6] =
        ["redis://", "rediss://", "valkey://", "valkeys://", "unix://", "redis+unix://"];
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Stop> {
    text.parse().map_err(|_| Stop::Wrong(format!("{name} wants a number in its range, not '{text}'")))
}

fn seconds(name: &str, text: &str) -> Result<Duration, Stop> {
    let seconds: f64 = number(name, text)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Stop::Wrong(format!("{name} wants seconds that are not negative, not '{text}'")))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.bytes().next() {
        Some(b'y' | b'Y') => Some(true),
        Some(b'n' | b'N') => Some(false),
        _ => {
            eprintln!("Unknown --show-pushes value '{text}' (valid: '[y]es', '[n]o')");
            None
        }
    }
}

/// One word that is quoted as it would be on a line.
pub(super) fn unquoted(word: &[u8]) -> Result<Vec<u8>, &'static str> {
    match ackline_resp::words(word) {
        Some(mut words) if words.len() == 1 => Ok(words.remove(0)),
        Some(words) if words.is_empty() => Ok(Vec::new()),
        _ => Err("Invalid quoted string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Stop> {
        read_with(line, &[])
    }

    fn read_with(line: &str, vars: &[(&str, &str)]) -> Result<Options, Stop> {
        let args = line.split_whitespace().map(OsString::from).collect();
        let var =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        super::read(args, var)
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let options = read("-h host -p 7 -n 2 --no-raw -r 3 -i 0.5 XADD s * -a 1").unwrap();
        assert_eq!(options.address, Address { database: 2, ..Address::plain("host", 7) });
        assert_eq!((options.repeat, options.interval), (3, Duration::from_millis(500)));
        assert_eq!(options.format.output, Output::Standard);
        assert_eq!(options.words, ["XADD", "s", "*", "-a", "1"].map(|word| word.as_bytes().to_vec()));
        assert_eq!(read("- x").unwrap().words.len(), 2);
    }

    #[test]
    fn addresses_have_an_order() {
        let vars =
            [("ACKLINE_URL", "redis://env:1/3"), ("REDIS_URL", "redis://other:2"), ("REDISCLI_AUTH", "word")];
        let of = |line: &str| read_with(line, &vars).unwrap().address;
        assert_eq!(of("").name(), "env:1");
        assert_eq!((of("").database, of("-n 5").database), (3, 5));
        assert_eq!(of("-p 9").name(), "127.0.0.1:9");
        assert_eq!(of("-u redis://u:p@url:4").name(), "url:4");
        assert_eq!(of("-u redis://u:p@url:4").password.as_deref(), Some("p"));
        assert_eq!(of("-u redis://url -a given").password.as_deref(), Some("given"));
        assert_eq!(of("-p 1").password.as_deref(), Some("word"));
        assert_eq!(of("-s /tmp/s").place, Place::Unix("/tmp/s".into()));
        assert_eq!(read_with("", &vars[1..]).unwrap().address.name(), "other:2");
    }

    #[test]
    fn passwords_on_the_line_are_warned_of() {
        assert!(read("-a x PING").unwrap().warns && read("-u redis://:x@host PING").unwrap().warns);
        assert!(!read("-a x --no-auth-warning PING").unwrap().warns && !read("PING").unwrap().warns);
    }

    #[test]
    fn encryption_is_asked_for() {
        assert_eq!(read("--cacert ca.pem PING").unwrap().address.tls, None);
        let tls =
            read("--tls --cacert ca.pem --cert c --key k --sni n --insecure").unwrap().address.tls.unwrap();
        assert_eq!(tls.identity, Some(("c".into(), "k".into())));
        assert_eq!(
            (tls.ca, tls.server_name.as_deref(), tls.insecure),
            (Some("ca.pem".into()), Some("n"), true)
        );
        assert!(read("-u rediss://host --insecure").unwrap().address.tls.unwrap().insecure);
        assert!(read("--tls --cert c").is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |line: &str| match read(line) {
            Err(Stop::Wrong(text)) => text,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(wrong("--nosuch"), "Unrecognized option or bad number of args for: '--nosuch'");
        assert_eq!(
            wrong("--pipe-timeout"),
            "Unrecognized option or bad number of args for: '--pipe-timeout'"
        );
        assert_eq!(wrong("-u http://x"), "Invalid URI scheme");
        assert!(wrong("-u redis://:secret@host/x").starts_with("Invalid URI: expected"));
        assert!(!wrong("-u redis://:secret@host/x").contains("secret"));
        assert!(wrong("-p 70000").contains("-p") && wrong("-i -1").contains("-i"));
        assert_eq!(wrong("--eval x.lua"), "--eval is not supported here");
        assert_eq!(read("--help").unwrap_err(), Stop::Help);
        assert_eq!(read("-h").unwrap_err(), Stop::Help);
        assert_eq!(read("--version").unwrap_err(), Stop::Version);
    }

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(unquoted(br#""a\x00b""#), Ok(b"a\0b".to_vec()));
        assert_eq!(unquoted(b"plain"), Ok(b"plain".to_vec()));
        assert_eq!(unquoted(b"a'b"), Err("Invalid quoted string"));
    }
}
