//! Access control: who may connect, and what each may do.
//!
//! ```text
//! Users ── by name ──► Arc<User> ── root and selectors ──► Selector: commands, keys, channels
//!   │ version                ▲
//!   └── one look a request ──┴── Session.user: what the connection may do; taken anew when the version has moved
//! ```

pub(crate) mod catalog;
mod file;
pub(crate) mod log;
pub(crate) mod redact;
mod selector;
mod sessions;
#[cfg(test)]
mod tests;
mod user;

pub(crate) use file::save as replace_file;
pub(crate) use selector::{Denied, RuleError, Selector};
pub(crate) use sessions::Identity;
pub(crate) use user::{User, hex, merge_selectors};

use crate::config::{Config, system_text};
use crate::handle::Who;
use ackline_engine::{Args, Error, Spec};
use log::AccessLog;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A call that is to be checked.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) spec: &'static Spec,
    /// The number of its command in the catalog.
    pub(crate) number: u16,
    pub(crate) args: Args<'a>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(spec: &'static Spec, args: Args<'a>) -> Call<'a> {
        Call { spec, number: catalog::CATALOG.number(spec), args }
    }
}

/// All users.
pub(crate) struct Users {
    by_name: Mutex<BTreeMap<Vec<u8>, Arc<User>>>,
    /// Grows with every change.
    version: AtomicU64,
    /// The last serial that a user got.
    serial: AtomicU64,
    operator: Arc<User>,
    reader: Arc<User>,
    pub(crate) log: AccessLog,
}

const BOTH: &str = "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path \
    is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an \
    ACL file or declare users directly in your redis.conf, but not both.";

/// What [`Who::Reader`] may do: read data, and look at the server. Nothing that waits for keys, changes anything, or
/// shows what others say or who they are.
const READER: &str = "on nopass ~* -@all +@read +@connection +command +info +time +lastsave +role \
    +slowlog|get +slowlog|len +slowlog|help +latency +config|get +config|help +acl|whoami +acl|cat +acl|dryrun +acl|help \
    +memory +module|list +pubsub|numsub +pubsub|numpat +pubsub|channels +pubsub|shardchannels +pubsub|shardnumsub \
    +client|list +client|help -client|kill -client|pause -client|unpause -client|unblock -client|no-evict -wait -waitaof \
    -latency|reset";

impl Users {
    /// The default user, who may do everything.
    pub(crate) fn new() -> Users {
        let default = Arc::new(User::default(1));
        Users {
            by_name: Mutex::new(BTreeMap::from([(default.name.clone(), default)])),
            version: AtomicU64::new(1),
            serial: AtomicU64::new(1),
            operator: Arc::new(User::built("(operator)", 0, "on nopass ~* &* +@all")),
            reader: Arc::new(User::built("(reader)", 0, READER)),
            log: AccessLog::default(),
        }
    }

    /// Takes over what the configuration says: `requirepass`, the `user` lines, and the file that `aclfile` names.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is wrong.
    pub(crate) fn open(&self, config: &Config) -> Result<(), String> {
        self.set_default_password(&config.string("requirepass"));
        let has_lines = !config.user_lines().is_empty();
        match (config.string("aclfile").is_empty(), has_lines) {
            (true, _) => self.load_lines(config),
            (false, false) => self.load(config),
            (false, true) => Err(BOTH.to_owned()),
        }
    }

    /// Adds the users of the `user` lines of the configuration files.
    fn load_lines(&self, config: &Config) -> Result<(), String> {
        let mut named = file::Loaded::new();
        for line in config.user_lines() {
            let user = file::user_of_line(line.words(), all_channels(config));
            let user = user.map_err(|reason| line.refuse(&reason).to_string())?;
            if named.contains_key(&user.name) {
                let name = String::from_utf8_lossy(&user.name);
                let reason = format!(
                    "Error in user declaration '{name}': Duplicate user found. A user can only be defined once in \
                     config files"
                );
                return Err(line.refuse(&reason).to_string());
            }
            named.insert(user.name.clone(), user);
        }
        let mut users = self.by_name.lock();
        let default = users.values().map(|user| User::clone(user));
        let all = default.map(|user| (user.name.clone(), user)).chain(named).collect();
        self.replace(&mut users, all);
        Ok(())
    }

    /// The users as words behind `user` for the lines of a configuration file: none if `requirepass` says all there is
    /// to say. `None` if they are in a file of their own.
    pub(crate) fn lines(&self, config: &Config) -> Option<Vec<String>> {
        if !config.string("aclfile").is_empty() {
            return None;
        }
        let mut plain = User::default(0);
        give_password(&mut plain, &config.string("requirepass"));
        let all = self.all();
        match &all[..] {
            [only] if only.line() == plain.line() => Some(Vec::new()),
            _ => {
                Some(all.iter().map(|user| String::from_utf8_lossy(&user.line()[5..]).into_owned()).collect())
            }
        }
    }

    /// What moves whenever a user changes.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// A user of the list.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<User>> {
        self.by_name.lock().get(name).cloned()
    }

    /// The user of connections that have not said who they are.
    pub(crate) fn default_user(&self) -> Arc<User> {
        self.find(b"default").expect("the default user cannot be removed")
    }

    /// All users, by name.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        self.by_name.lock().values().cloned().collect()
    }

    /// What a user has become; `None` if it is gone, or another has its name now. Those that are built in stay.
    pub(crate) fn renewed(&self, user: &Arc<User>) -> Option<Arc<User>> {
        match user.serial {
            0 => Some(Arc::clone(user)),
            serial => self.find(&user.name).filter(|now| now.serial == serial),
        }
    }

    /// Whether this is the user of [`Who::Reader`].
    pub(crate) fn is_reader(&self, user: &Arc<User>) -> bool {
        Arc::ptr_eq(user, &self.reader)
    }

    /// As whom a connection begins; `None` if there is no such user, or it is off.
    pub(crate) fn admit(&self, who: &Who) -> Option<Arc<User>> {
        match who {
            Who::Nobody => Some(self.default_user()),
            Who::Operator => Some(Arc::clone(&self.operator)),
            Who::Reader => Some(Arc::clone(&self.reader)),
            Who::User(name) => self.find(name.as_bytes()).filter(|user| user.enabled),
        }
    }

    /// The user with this name and password, if it may log in. A wrong name takes as long as a wrong password.
    pub(crate) fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let hash = user::hash(password);
        self.find(name).filter(|user| user.accepts(&hash))
    }

    /// Applies rules to a user, who is made if need be: all of them or none.
    ///
    /// # Errors
    ///
    /// The first rule that is wrong, and why.
    pub(crate) fn set<'r>(
        &self,
        name: &[u8],
        rules: &'r [Vec<u8>],
        config: &Config,
    ) -> Result<(), (&'r [u8], RuleError)> {
        let all_channels = all_channels(config);
        let mut users = self.by_name.lock();
        let mut user = match users.get(name) {
            Some(user) => User::clone(user),
            None => User::new(name, self.next_serial(), all_channels),
        };
        for rule in rules {
            user.apply(rule, all_channels).map_err(|error| (&**rule, error))?;
        }
        users.insert(name.to_vec(), Arc::new(user));
        self.changed();
        Ok(())
    }

    /// `requirepass`: the only password of the default user; empty: it needs none.
    pub(crate) fn set_default_password(&self, password: &str) {
        let mut users = self.by_name.lock();
        let default = users.get_mut(&b"default"[..]).expect("the default user cannot be removed");
        give_password(Arc::make_mut(default), password);
        self.changed();
    }

    /// Removes users, of whom `default` must not be one. Answers how many there were.
    pub(crate) fn remove<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> usize {
        let mut users = self.by_name.lock();
        let removed = names.filter(|name| users.remove(*name).is_some()).count();
        self.changed();
        removed
    }

    /// Replaces all users by those of `aclfile`: all of them, or none if a line is wrong.
    ///
    /// # Errors
    ///
    /// What is wrong, in the words of ACL LOAD.
    pub(crate) fn load(&self, config: &Config) -> Result<(), String> {
        let path = config.string("aclfile");
        let text = std::fs::read(&path)
            .map_err(|error| format!("Error loading ACLs, opening file '{path}': {}", system_text(&error)))?;
        let mut loaded = file::parse(&path, &text, all_channels(config))?;
        loaded.entry(b"default".to_vec()).or_insert_with(|| {
            let mut default = User::default(0);
            // A password that was asked for must not be lost because a file does not speak of the default user.
            give_password(&mut default, &config.string("requirepass"));
            default
        });
        self.replace(&mut self.by_name.lock(), loaded);
        Ok(())
    }

    /// Writes all users to `aclfile`.
    pub(crate) fn save(&self, config: &Config) -> std::io::Result<()> {
        let lines = self.all().into_iter().map(|user| [&*user.line(), b"\n"].concat());
        file::save(Path::new(&config.string("aclfile")), &lines.collect::<Vec<_>>().concat())
    }

    /// Who has the name of a user from before is that user.
    fn replace(&self, users: &mut BTreeMap<Vec<u8>, Arc<User>>, all: file::Loaded) {
        let take_over = |(name, mut user): (Vec<u8>, User)| {
            user.serial = users.get(&name).map_or_else(|| self.next_serial(), |old| old.serial);
            (name, Arc::new(user))
        };
        *users = all.into_iter().map(take_over).collect();
        self.changed();
    }

    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }
}

fn give_password(user: &mut User, password: &str) {
    let rule = if password.is_empty() { "nopass".to_owned() } else { format!(">{password}") };
    for rule in ["resetpass", &rule] {
        user.apply(rule.as_bytes(), false).expect("rules about passwords are right");
    }
}

/// Whether a name cannot be a user's: lines and rules are separated by blanks.
pub(crate) fn is_bad_name(name: &[u8]) -> bool {
    selector::has_blanks(name)
}

/// Whether new users may use all channels.
fn all_channels(config: &Config) -> bool {
    config.string("acl-pubsub-default") == "allchannels"
}

/// The reply to a refused call.
pub(crate) fn refusal_text(user: &User, call: Call<'_>, denied: &Denied<'_>) -> Error {
    match denied {
        Denied::Command => no_command(b"NOPERM ", user, call.spec),
        Denied::Key(..) => Error::from_static("NOPERM No permissions to access a key"),
        Denied::Channel(..) => Error::from_static("NOPERM No permissions to access a channel"),
    }
}

/// As [`refusal_text`], for ACL DRYRUN, which names what is refused.
pub(crate) fn dry_text(user: &User, call: Call<'_>, denied: &Denied<'_>) -> Error {
    let (what, name) = match denied {
        Denied::Command => return no_command(b"", user, call.spec),
        Denied::Key(_, name) => (&b"' key"[..], name),
        Denied::Channel(_, name) => (&b"' channel"[..], name),
    };
    Error::concat(&[b"User ", &user.name, b" has no permissions to access the '", name, what])
}

fn no_command(code: &[u8], user: &User, spec: &Spec) -> Error {
    Error::concat(&[
        code,
        b"User ",
        &user.name,
        b" has no permissions to run the '",
        spec.name.as_bytes(),
        b"' command",
    ])
}
