//! The words of XREAD and XREADGROUP, and the limits that they set to one reply.

use crate::args::{Args, OwnedArgs, int, is, strict_int};
use crate::error::Error;
use crate::id::StreamId;
use crate::spec::Arg;
use crate::state::EntryRef;

/// `STREAMS key [key ...] id [id ...]`
pub(crate) const STREAMS: Arg =
    Arg::block("streams", &[Arg::key().many(), Arg::id("id").many()]).after("STREAMS");
pub(crate) const COUNT: Arg = Arg::int("count").after("COUNT").optional();
pub(crate) const MAXCOUNT: Arg = Arg::int("maxcount").after("MAXCOUNT").optional();
pub(crate) const MAXSIZE: Arg = Arg::int("maxsize").after("MAXSIZE").optional();
pub(crate) const BLOCK: Arg = Arg::int("milliseconds").after("BLOCK").optional();

/// What the words before STREAMS say, and the streams.
pub(crate) struct ReadOptions<'a> {
    args: Args<'a>,
    pub(crate) group: Option<(&'a [u8], &'a [u8])>,
    /// Entries a stream; `None` = no limit.
    pub(crate) count: Option<u64>,
    maxcount: Option<u64>,
    maxsize: Option<u64>,
    /// Milliseconds to wait; 0 = for ever.
    pub(crate) block: Option<i64>,
    pub(crate) noack: bool,
    /// Milliseconds of idle time from which pending entries are claimed.
    pub(crate) claim: Option<i64>,
    pub(crate) keys: Args<'a>,
    pub(crate) ids: Args<'a>,
}

impl<'a> ReadOptions<'a> {
    /// Reads the words of XREAD (`for_group` false) or XREADGROUP.
    pub(crate) fn parse(args: Args<'a>, for_group: bool) -> Result<ReadOptions<'a>, Error> {
        let none = args.first(0);
        let mut options = ReadOptions {
            args,
            group: None,
            count: None,
            maxcount: None,
            maxsize: None,
            block: None,
            noack: false,
            claim: None,
            keys: none,
            ids: none,
        };
        let mut at = 1;
        loop {
            let word = args.get(at).ok_or(Error::SYNTAX)?;
            if is(word, "STREAMS") && at + 1 < args.len() {
                options.read_streams(at + 1, for_group)?;
                break;
            }
            at = options.read_option(word, at, for_group)?;
        }
        if for_group && options.group.is_none() {
            return Err(Error::from_static("ERR Missing GROUP option for XREADGROUP"));
        }
        match (options.maxcount, options.count) {
            (Some(max), Some(count)) if max < count => {
                Err(Error::from_static("ERR MAXCOUNT must be greater than or equal to COUNT"))
            }
            _ => Ok(options),
        }
    }

    fn read_option(&mut self, word: &[u8], at: usize, for_group: bool) -> Result<usize, Error> {
        let value = self.args.get(at + 1);
        match value {
            Some(value) if is(word, "COUNT") => {
                self.count = Some(int(value)?.max(0) as u64).filter(|n| *n > 0)
            }
            Some(value) if is(word, "MAXCOUNT") => self.maxcount = Some(positive(value, "MAXCOUNT")?),
            Some(value) if is(word, "MAXSIZE") => self.maxsize = Some(positive(value, "MAXSIZE")?),
            Some(value) if is(word, "BLOCK") => self.block = Some(timeout(value)?),
            Some(value) if is(word, "CLAIM") => {
                Self::only_for_group("CLAIM", for_group)?;
                self.claim = Some(min_idle(value)?);
            }
            _ if is(word, "NOACK") => {
                Self::only_for_group("NOACK", for_group)?;
                self.noack = true;
                return Ok(at + 1);
            }
            Some(group) if is(word, "GROUP") => {
                let consumer = self.args.get(at + 2).ok_or(Error::SYNTAX)?;
                Self::only_for_group("GROUP", for_group)?;
                self.group = Some((group, consumer));
                return Ok(at + 3);
            }
            _ => return Err(Error::SYNTAX),
        }
        Ok(at + 2)
    }

    fn only_for_group(option: &str, for_group: bool) -> Result<(), Error> {
        match for_group {
            true => Ok(()),
            false => Err(Error::from(format!(
                "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
            ))),
        }
    }

    fn read_streams(&mut self, at: usize, for_group: bool) -> Result<(), Error> {
        let rest = self.args.from(at);
        if rest.len() % 2 == 1 {
            let (name, ids) = if for_group { ("xreadgroup", "or '>'") } else { ("xread", "'+', or '$'") };
            let an_id = if for_group { "an ID " } else { "an ID, " };
            return Err(Error::from(format!(
                "ERR Unbalanced '{name}' list of streams: for each stream key {an_id}{ids} must be specified."
            )));
        }
        (self.keys, self.ids) = (rest.first(rest.len() / 2), rest.from(rest.len() / 2));
        Ok(())
    }

    /// Keys with their ID words, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.keys.iter().zip(self.ids.iter())
    }

    /// Unix ms until which to wait, `None` = for ever; an error if it cannot be reckoned.
    pub(crate) fn deadline(&self, now: i64) -> Result<Option<i64>, Error> {
        match self.block {
            None | Some(0) => Ok(None),
            Some(ms) => match now.checked_add(ms) {
                Some(at) => Ok(Some(at)),
                None => Err(Error::from_static("ERR timeout is out of range")),
            },
        }
    }

    /// The same words with other IDs, to be run again later.
    pub(crate) fn with_ids<'b>(&self, ids: impl Iterator<Item = &'b [u8]> + Clone) -> OwnedArgs
    where
        'a: 'b,
    {
        let before = self.args.first(self.args.len() - self.ids.len());
        OwnedArgs::collect(before.iter().map(|word| -> &'b [u8] { word }).chain(ids))
    }

    /// The limits of one reply, unused.
    pub(crate) fn budget(&self, resp3: bool) -> Budget {
        Budget {
            left: self.maxcount.unwrap_or(u64::MAX),
            size_max: self.maxsize.unwrap_or(u64::MAX),
            size: 0,
            delivered: 0,
            resp3,
            counted: self.maxsize.is_some(),
        }
    }

    /// Whether every ID word is an ID or one of `special`.
    pub(crate) fn check_ids(&self, special: &[&[u8]]) -> Result<(), Error> {
        self.ids.iter().filter(|id| !special.contains(id)).try_for_each(|id| StreamId::parse(id, 0).map(drop))
    }
}

/// The keys of a call of XREAD or XREADGROUP: none if it is malformed.
pub(crate) fn streams_keys(args: Args<'_>) -> Args<'_> {
    let for_group = args.get(0).is_some_and(|name| is(name, "XREADGROUP"));
    ReadOptions::parse(args, for_group).map_or(args.first(0), |options| options.keys)
}

fn positive(value: &[u8], option: &str) -> Result<u64, Error> {
    match int(value)? {
        n if n > 0 => Ok(n as u64),
        _ => Err(Error::from(format!("ERR {option} must be a positive integer"))),
    }
}

/// The value of BLOCK, in milliseconds.
fn timeout(value: &[u8]) -> Result<i64, Error> {
    match strict_int(value) {
        None => Err(Error::from_static("ERR timeout is not an integer or out of range")),
        Some(ms) if ms < 0 => Err(Error::from_static("ERR timeout is negative")),
        Some(ms) => Ok(ms),
    }
}

fn min_idle(value: &[u8]) -> Result<i64, Error> {
    match strict_int(value) {
        None => Err(Error::from_static("ERR min-idle-time is not an integer or out of range")),
        Some(ms) if ms < 0 => Err(Error::from_static("ERR min-idle-time must be a positive integer")),
        Some(ms) => Ok(ms),
    }
}

/// What MAXCOUNT and MAXSIZE leave of one reply. MAXSIZE counts protocol bytes as they would be written.
pub(crate) struct Budget {
    left: u64,
    size_max: u64,
    size: u64,
    delivered: u64,
    resp3: bool,
    counted: bool,
}

impl Budget {
    /// Whether nothing more may be delivered. The first entry always may.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0 || (self.delivered > 0 && self.size >= self.size_max)
    }

    pub(crate) fn begin_stream(&mut self, key: &[u8]) {
        self.size += self.stream_len(key);
    }

    /// The stream that was begun has nothing to give.
    pub(crate) fn forget_stream(&mut self, key: &[u8]) {
        self.size -= self.stream_len(key);
    }

    fn stream_len(&self, key: &[u8]) -> u64 {
        bulk(key.len()) + if self.resp3 { 0 } else { 4 }
    }

    pub(crate) fn end_stream(&mut self, entries: usize) {
        self.size += header(entries as u64);
    }

    pub(crate) fn take_entry(&mut self, entry: &EntryRef) {
        self.take();
        if self.counted {
            let words = entry.words();
            let count = header(words.len() as u64);
            let fields: u64 = words.map(|word| bulk(word.len())).sum();
            self.size += 4 + bulk_id(entry.id) + count + fields;
        }
    }

    pub(crate) fn take_delivered(&mut self, entry: &EntryRef, idle: i64, count: i64) {
        self.take_entry(entry);
        self.size += integer(idle) + integer(count);
    }

    pub(crate) fn take_ghost(&mut self, id: StreamId) {
        self.take();
        self.size += 4 + bulk_id(id) + if self.resp3 { 3 } else { 5 };
    }

    fn take(&mut self) {
        self.left -= 1;
        self.delivered += 1;
    }
}

fn digits(n: u64) -> u64 {
    u64::from(n.checked_ilog10().unwrap_or(0)) + 1
}

fn header(n: u64) -> u64 {
    digits(n) + 3
}

fn bulk(len: usize) -> u64 {
    header(len as u64) + len as u64 + 2
}

fn bulk_id(id: StreamId) -> u64 {
    bulk((digits(id.ms) + 1 + digits(id.seq)) as usize)
}

fn integer(n: i64) -> u64 {
    digits(n.unsigned_abs()) + 3 + u64::from(n < 0)
}
