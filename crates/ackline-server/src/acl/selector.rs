//! One set of permissions: commands, keys and channels. A user has one, and may have more beside it.

use super::Call;
use super::catalog::{Access, CATALOG, CATEGORIES, Commands};
use super::log::Reason;
use ackline_engine::args::is;
use ackline_engine::spec::Flags;
use ackline_engine::{Spec, glob};

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleError {
    Syntax,
    UnknownCommand,
    KeysAfterAll,
    ChannelsAfterAll,
    NoSuchPassword,
    BadHash,
    FirstArgOfSubcommand,
}

impl RuleError {
    /// In the words of Redis.
    pub(crate) fn text(self) -> &'static str {
        match self {
            RuleError::Syntax => "Syntax error",
            RuleError::UnknownCommand => "Unknown command or category name in ACL",
            RuleError::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any \
                 effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any \
                 effect. Try 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::FirstArgOfSubcommand => "Allowing first-arg of a subcommand is not supported",
        }
    }
}

/// Why a call is refused. Of several selectors the one that came furthest tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Denied<'a> {
    Command,
    /// Which of the keys, and its name.
    Key(usize, &'a [u8]),
    /// Which of the channels, and its name.
    Channel(usize, &'a [u8]),
}

impl Denied<'_> {
    /// The reason for ACL LOG.
    pub(super) fn reason(self) -> Reason {
        match self {
            Denied::Command => Reason::Command,
            Denied::Key(..) => Reason::Key,
            Denied::Channel(..) => Reason::Channel,
        }
    }
}

/// Keys that may be read, written, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    access: Access,
    glob: Vec<u8>,
}

/// A rule about commands as it is shown: `+name` or `-name`, `+@category`, `+command|first argument`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CommandRule {
    allows: bool,
    name: Vec<u8>,
}

/// A set of permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    allowed: Commands,
    /// Commands that may be called with these words behind their names only.
    first_args: Vec<(u16, Vec<u8>)>,
    /// Everything was allowed before the rules; else nothing was.
    from_all: bool,
    rules: Vec<CommandRule>,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
}

impl Selector {
    /// Nothing is allowed, except all channels if `acl-pubsub-default` says so.
    pub(super) fn new(all_channels: bool) -> Selector {
        Selector {
            allowed: Commands::NONE,
            first_args: Vec::new(),
            from_all: false,
            rules: Vec::new(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
        }
    }

    /// From the words between the parentheses.
    pub(super) fn parse(text: &[u8], all_channels: bool) -> Result<Selector, RuleError> {
        let mut selector = Selector::new(all_channels);
        // Unbalanced quotes hold no words: nothing is allowed, as in Redis.
        for rule in ackline_resp::words(text).unwrap_or_default() {
            selector.apply(&rule)?;
        }
        Ok(selector)
    }

    /// Whether nothing is ever refused.
    pub(super) fn allows_everything(&self) -> bool {
        self.allowed == Commands::ALL && self.all_keys && self.all_channels
    }

    pub(super) fn apply(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [] => {}
            _ if is(rule, "ALLKEYS") || rule == b"~*" => self.set_all_keys(true),
            _ if is(rule, "RESETKEYS") => self.set_all_keys(false),
            _ if is(rule, "ALLCHANNELS") || rule == b"&*" => self.set_all_channels(true),
            _ if is(rule, "RESETCHANNELS") => self.set_all_channels(false),
            _ if is(rule, "ALLCOMMANDS") || is(rule, "+@ALL") => self.set_all_commands(true),
            _ if is(rule, "NOCOMMANDS") || is(rule, "-@ALL") => self.set_all_commands(false),
            [b'~', glob @ ..] => self.add_keys(Access::BOTH, glob)?,
            [b'%', rest @ ..] => self.add_keys_for(rest)?,
            [b'&', glob @ ..] => self.add_channels(glob)?,
            [sign @ (b'+' | b'-'), b'@', category @ ..] => self.set_category(category, *sign == b'+')?,
            [b'+', name @ ..] => self.allow(name)?,
            [b'-', name @ ..] => self.forbid(name)?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    fn set_all_keys(&mut self, all: bool) {
        self.all_keys = all;
        self.keys.clear();
    }

    pub(super) fn set_all_channels(&mut self, all: bool) {
        self.all_channels = all;
        self.channels.clear();
    }

    fn set_all_commands(&mut self, all: bool) {
        self.allowed = if all { Commands::ALL } else { Commands::NONE };
        self.from_all = all;
        self.rules.clear();
        self.first_args.clear();
    }

    /// `R~glob`, `W~glob`, `RW~glob`.
    fn add_keys_for(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAfterAll);
        }
        let letters = rule.iter().position(|byte| *byte == b'~').unwrap_or(rule.len());
        let access = match &*rule[..letters].to_ascii_uppercase() {
            b"R" => Access::READ,
            b"W" => Access::WRITE,
            b"RW" | b"WR" => Access::BOTH,
            _ => return Err(RuleError::Syntax),
        };
        self.add_keys(access, rule.get(letters + 1..).unwrap_or_default())
    }

    fn add_keys(&mut self, access: Access, glob: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAfterAll);
        }
        if has_blanks(glob) {
            return Err(RuleError::Syntax);
        }
        match self.keys.iter_mut().find(|pattern| pattern.glob == glob) {
            Some(known) => {
                known.access.read |= access.read;
                known.access.write |= access.write;
            }
            None => self.keys.push(KeyPattern { access, glob: glob.to_vec() }),
        }
        Ok(())
    }

    fn add_channels(&mut self, glob: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::ChannelsAfterAll);
        }
        if has_blanks(glob) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|known| known == glob) {
            self.channels.push(glob.to_vec());
        }
        Ok(())
    }

    fn set_category(&mut self, name: &[u8], on: bool) -> Result<(), RuleError> {
        let category = CATEGORIES.iter().find(|category| name.eq_ignore_ascii_case(category.as_bytes()));
        let category = *category.ok_or(RuleError::UnknownCommand)?;
        CATALOG.of_category(category).for_each(|spec| self.set_command(spec, on));
        self.note(format!("@{category}").as_bytes(), on);
        Ok(())
    }

    /// A command with all its subcommands.
    fn set_command(&mut self, spec: &'static Spec, on: bool) {
        let own = CATALOG.number(spec);
        self.first_args.retain(|(number, _)| *number != own);
        CATALOG.family(spec).for_each(|number| self.allowed.set(number, on));
    }

    fn allow(&mut self, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|byte| *byte == b'|');
        let (command, word) = bar.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
        let (number, spec) = CATALOG.find(command).ok_or(RuleError::UnknownCommand)?;
        match word {
            None => self.set_command(spec, true),
            Some(_) if spec.name.contains('|') => return Err(RuleError::FirstArgOfSubcommand),
            Some(word) if word.is_empty() || has_blanks(word) => return Err(RuleError::Syntax),
            Some(_) if !spec.subcommands.is_empty() => {
                let (_, spec) = CATALOG.find(name).ok_or(RuleError::UnknownCommand)?;
                self.set_command(spec, true);
            }
            Some(word) => self.allow_first(number, word),
        }
        self.note(&name.to_ascii_lowercase(), true);
        Ok(())
    }

    fn allow_first(&mut self, number: u16, word: &[u8]) {
        let known = self.first_args.iter().any(|(n, w)| *n == number && w.eq_ignore_ascii_case(word));
        if !known {
            self.first_args.push((number, word.to_vec()));
        }
    }

    fn forbid(&mut self, name: &[u8]) -> Result<(), RuleError> {
        let (_, spec) = CATALOG.find(name).ok_or(RuleError::UnknownCommand)?;
        self.set_command(spec, false);
        self.note(spec.name.as_bytes(), false);
        Ok(())
    }

    /// Keeps a rule to be shown, instead of those that it makes void: about the same, or about parts of it.
    fn note(&mut self, name: &[u8], allows: bool) {
        let is_void = |old: &[u8]| old.strip_prefix(name).is_some_and(|rest| matches!(rest, [] | [b'|', ..]));
        self.rules.retain(|rule| !is_void(&rule.name));
        self.rules.push(CommandRule { allows, name: name.to_vec() });
    }

    /// The rules about commands: `-@all +@stream -xdel`.
    pub(crate) fn commands_text(&self) -> Vec<u8> {
        let mut text = if self.from_all { b"+@all".to_vec() } else { b"-@all".to_vec() };
        for rule in &self.rules {
            text.extend_from_slice(if rule.allows { b" +" } else { b" -" });
            text.extend_from_slice(&rule.name);
        }
        text
    }

    /// The patterns of keys: `~a* %R~b*`.
    pub(crate) fn keys_text(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let shown = |pattern: &KeyPattern| {
            let sign: &[u8] = match pattern.access {
                Access::READ => b"%R~",
                Access::WRITE => b"%W~",
                _ => b"~",
            };
            [sign, &pattern.glob].concat()
        };
        self.keys.iter().map(shown).collect::<Vec<_>>().join(&b' ')
    }

    /// The patterns of channels: `&a* &b`.
    pub(crate) fn channels_text(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        self.channels.iter().map(|glob| [b"&", &**glob].concat()).collect::<Vec<_>>().join(&b' ')
    }

    /// All rules, as ACL LIST shows them.
    pub(super) fn describe(&self) -> Vec<u8> {
        let reset: &[u8] = if self.all_channels { b"" } else { b"resetchannels" };
        let parts = [self.keys_text(), reset.to_vec(), self.channels_text(), self.commands_text()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b' ')
    }

    /// Whether a call is allowed.
    pub(super) fn check<'a>(&self, call: Call<'a>) -> Result<(), Denied<'a>> {
        if !self.allowed.has(call.number) && !call.spec.flags.has(Flags::NO_AUTH) && !self.has_first(call) {
            return Err(Denied::Command);
        }
        if !self.all_keys {
            for (at, key) in call.spec.keys_of(call.args).enumerate() {
                let access = CATALOG.access(call.number, call.args, at);
                if !self.allows_key(key, access) {
                    return Err(Denied::Key(at, key));
                }
            }
        }
        match (self.all_channels, channels_of(call)) {
            (false, Some((channels, is_pattern))) => self.check_channels(channels, is_pattern),
            _ => Ok(()),
        }
    }

    fn check_channels<'a>(
        &self,
        channels: ackline_engine::Args<'a>,
        is_pattern: bool,
    ) -> Result<(), Denied<'a>> {
        let denied = channels.iter().enumerate().find(|(_, name)| !self.allows_channel(name, is_pattern));
        denied.map_or(Ok(()), |(at, name)| Err(Denied::Channel(at, name)))
    }

    /// Whether the command is allowed with the word behind its name.
    fn has_first(&self, call: Call<'_>) -> bool {
        let word = call.args.get(1);
        self.first_args.iter().any(|(number, allowed)| {
            *number == call.number && word.is_some_and(|word| word.eq_ignore_ascii_case(allowed))
        })
    }

    fn allows_key(&self, key: &[u8], access: Access) -> bool {
        let covers = |pattern: &KeyPattern| {
            (pattern.access.read || !access.read) && (pattern.access.write || !access.write)
        };
        self.keys.iter().any(|pattern| covers(pattern) && glob::matches(&pattern.glob, key, false))
    }

    /// Whether a channel may be listened to, or, if `is_pattern`, exactly that pattern.
    pub(super) fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        let fits = |allowed: &Vec<u8>| match is_pattern {
            true => allowed == name,
            false => glob::matches(allowed, name, false),
        };
        self.all_channels || self.channels.iter().any(fits)
    }

    /// Whether all channels of another are here, too.
    pub(super) fn has_channels_of(&self, other: &Selector) -> bool {
        self.all_channels
            || !other.all_channels && other.channels.iter().all(|glob| self.channels.contains(glob))
    }
}

/// The channels that a call needs, and whether they are patterns.
fn channels_of(call: Call<'_>) -> Option<(ackline_engine::Args<'_>, bool)> {
    if !call.spec.flags.has(Flags::PUBSUB) {
        return None;
    }
    match call.spec.name {
        "subscribe" | "ssubscribe" => Some((call.args.from(1), false)),
        "psubscribe" => Some((call.args.from(1), true)),
        "publish" | "spublish" => Some((call.args.first(2).from(1), false)),
        _ => None,
    }
}

/// Lines and rules are separated by blanks.
pub(super) fn has_blanks(word: &[u8]) -> bool {
    word.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b))
}
