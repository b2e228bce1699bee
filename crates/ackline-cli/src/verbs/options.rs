//! What all verbs take: where the server is, and how to print.

use super::moment;
use super::trouble::Trouble;
use ackline_admin::client::{Place, Tls};
use ackline_admin::{Address, Client};
use std::env;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people: aligned columns, readable sizes and times.
    #[default]
    Table,
    /// One JSON document: plain numbers, times in ms, names that are no UTF-8 as {"base64":".."}.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// The server, and how to print. Names as in redis-cli, so that -h is the host.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Shared {
    /// Prints help.
    #[arg(long, global = true, action = clap::ArgAction::Help, help_heading = "Output")]
    help: Option<bool>,
    /// Host of the server [127.0.0.1].
    #[arg(short = 'h', long, global = true, value_name = "HOST", help_heading = "Server")]
    host: Option<String>,
    /// Port of the server [6379].
    #[arg(short, long, global = true, help_heading = "Server")]
    port: Option<u16>,
    /// Socket file of the server.
    #[arg(short, long, global = true, value_name = "PATH", help_heading = "Server")]
    socket: Option<PathBuf>,
    /// Password; better in the environment, as REDISCLI_AUTH.
    #[arg(short = 'a', long = "pass", global = true, value_name = "PASSWORD", help_heading = "Server")]
    password: Option<String>,
    /// User [default].
    #[arg(long, global = true, value_name = "NAME", help_heading = "Server")]
    user: Option<String>,
    /// Database [0].
    #[arg(short = 'n', long = "db", global = true, value_name = "DB", help_heading = "Server")]
    database: Option<u32>,
    /// redis[s]://[user:password@]host[:port][/db] or unix:///path; else ACKLINE_URL, else REDIS_URL.
    #[arg(short, long, global = true, help_heading = "Server")]
    url: Option<String>,
    /// Encrypted.
    #[arg(long, global = true, help_heading = "Server")]
    tls: bool,
    /// File with the authorities to trust, instead of the machine's.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Server")]
    cacert: Option<PathBuf>,
    /// File with the certificate to show.
    #[arg(long, global = true, value_name = "FILE", requires = "key_file", help_heading = "Server")]
    cert: Option<PathBuf>,
    /// File with its key.
    #[arg(
        long = "key",
        id = "key_file",
        global = true,
        value_name = "FILE",
        requires = "cert",
        help_heading = "Server"
    )]
    key_file: Option<PathBuf>,
    /// Name that the server's certificate has to have.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Server")]
    sni: Option<String>,
    /// Trusts whoever answers.
    #[arg(long, global = true, help_heading = "Server")]
    insecure: bool,
    /// How long to wait for the server, such as 5s.
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = moment::duration, help_heading = "Server")]
    timeout: Duration,
    /// Form of the output.
    #[arg(
        short,
        long = "output",
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORM",
        help_heading = "Output"
    )]
    pub(super) output: Form,
    /// No colours; also by NO_COLOR in the environment.
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) no_color: bool,
    /// Shows the commands that change something, on stderr.
    #[arg(short = 'v', long, global = true, help_heading = "Output")]
    pub(super) show: bool,
}

impl Shared {
    /// Connects as the options and the environment say.
    pub(super) fn connect(&self) -> Result<Client, Trouble> {
        let mut client = Client::connect(&self.address()?, self.timeout)?;
        client.set_patience(Some(self.timeout))?;
        Ok(client)
    }

    /// The options win over a URL, -u over the environment, and a place that is given by options over a URL there.
    pub(super) fn address(&self) -> Result<Address, Trouble> {
        let given = self.host.is_some() || self.port.is_some() || self.socket.is_some();
        let from_env =
            || ["ACKLINE_URL", "REDIS_URL"].into_iter().find_map(|name| Some((name, filled(name)?)));
        let url = match &self.url {
            Some(url) => Some(("--url", url.clone())),
            None if given => None,
            None => from_env(),
        };
        let mut address = match url {
            Some((name, url)) => {
                Address::parse(&url).map_err(|why| Trouble::Usage(format!("{name}: {why}")))?
            }
            None => Address::plain("127.0.0.1", 6379),
        };
        self.place(&mut address);
        if self.tls && address.tls.is_none() {
            address.tls = Some(Tls::default());
        }
        if let Some(tls) = &mut address.tls {
            tls.ca = self.cacert.clone();
            tls.identity = self.cert.clone().zip(self.key_file.clone());
            tls.server_name = self.sni.clone();
            tls.insecure = self.insecure;
        }
        address.user = self.user.clone().or(address.user);
        address.password = self.password.clone().or(address.password).or_else(|| filled("REDISCLI_AUTH"));
        address.database = self.database.unwrap_or(address.database);
        Ok(address)
    }

    fn place(&self, address: &mut Address) {
        if let Some(path) = &self.socket {
            address.place = Place::Unix(path.clone());
        } else if let Place::Tcp(host, port) = &mut address.place {
            *host = self.host.clone().unwrap_or_else(|| host.clone());
            *port = self.port.unwrap_or(*port);
        }
    }

    /// Whether the output may be coloured.
    pub(super) fn colours(&self) -> bool {
        let dumb = filled("TERM").is_some_and(|term| term == "dumb");
        !self.no_color && filled("NO_COLOR").is_none() && !dumb && std::io::stdout().is_terminal()
    }
}

fn filled(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A key, a name, a field or a value: any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(pub(super) Vec<u8>);

impl From<OsString> for Name {
    fn from(word: OsString) -> Name {
        Name(word.into_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    #[command(disable_help_flag = true)]
    struct Line {
        #[command(flatten)]
        shared: Shared,
    }

    fn address(words: &[&str]) -> Address {
        let line = Line::try_parse_from(["x"].iter().chain(words)).unwrap();
        line.shared.address().map_err(|trouble| trouble.to_string()).unwrap()
    }

    #[test]
    fn options_win_over_the_url() {
        let found = address(&["-u", "redis://ann:pw@there:7/3", "-h", "here", "-n", "4", "-a", "other"]);
        assert_eq!(found.place, Place::Tcp("here".to_owned(), 7));
        assert_eq!(
            (found.user.as_deref(), found.password.as_deref(), found.database),
            (Some("ann"), Some("other"), 4)
        );
    }

    #[test]
    fn encryption_is_asked_for() {
        let tls = address(&["-p", "1", "--tls", "--sni", "n", "--insecure"]).tls.unwrap();
        assert!(tls.insecure && tls.server_name.as_deref() == Some("n"));
        assert_eq!(address(&["-s", "/tmp/s"]).place, Place::Unix("/tmp/s".into()));
    }
}
