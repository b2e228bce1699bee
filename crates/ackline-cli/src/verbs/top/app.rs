//! What is looked at, and what keys do.

use super::data::{Seen, Watched};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What fills the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All streams.
    Streams,
    /// The groups of one.
    Groups(Vec<u8>),
    /// Consumers and pending entries of a group.
    Group(Vec<u8>, Vec<u8>),
}

/// By what streams are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Length,
    Pending,
    Lag,
    Oldest,
    Added,
}

impl Order {
    fn next(self) -> Order {
        match self {
            Order::Name => Order::Length,
            Order::Length => Order::Pending,
            Order::Pending => Order::Lag,
            Order::Lag => Order::Oldest,
            Order::Oldest => Order::Added,
            Order::Added => Order::Name,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Order::Name => "name",
            Order::Length => "length",
            Order::Pending => "pending",
            Order::Lag => "lag",
            Order::Oldest => "oldest",
            Order::Added => "in/s",
        }
    }
}

/// What a key leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Draw,
    /// Another view wants other facts.
    Look,
    Quit,
}

/// The state of the screen.
pub(super) struct App {
    pub(super) address: String,
    pub(super) colours: bool,
    pub(super) view: View,
    pub(super) seen: Option<Seen>,
    pub(super) trouble: Option<String>,
    pub(super) order: Order,
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) typing: bool,
    pub(super) paused: bool,
    pub(super) help: bool,
    pub(super) selected: usize,
    /// Where we were in the views above.
    above: Vec<usize>,
}

impl App {
    pub(super) fn new(address: String, colours: bool) -> App {
        App {
            address,
            colours,
            view: View::Streams,
            seen: None,
            trouble: None,
            order: Order::Lag,
            filter: String::new(),
            typing: false,
            paused: false,
            help: false,
            selected: 0,
            above: Vec::new(),
        }
    }

    /// What was seen just now.
    pub(super) fn take(&mut self, seen: Seen) {
        self.seen = Some(seen);
        self.trouble = None;
        self.hold();
    }

    /// Streams that are to be shown, in order.
    pub(super) fn streams(&self) -> Vec<&Watched> {
        let all = self.seen.iter().flat_map(|seen| &seen.streams);
        let mut shown: Vec<&Watched> = all.filter(|one| self.passes(&one.overview.stream.name)).collect();
        let unknown_first = |lag: Option<i64>| lag.unwrap_or(i64::MAX);
        // Those with the most of it first; all of them have come in the order of their names.
        shown.sort_by_key(|one| {
            std::cmp::Reverse(match self.order {
                Order::Name => 0,
                Order::Length => one.overview.stream.length,
                Order::Pending => one.overview.pending(),
                Order::Lag if one.overview.groups.is_empty() => -1,
                Order::Lag => unknown_first(one.overview.lag()),
                Order::Oldest => one.overview.oldest_pending().unwrap_or(-1),
                Order::Added => one.rate.added.map_or(-1, |added| (added * 1000.0) as i64),
            })
        });
        shown
    }

    fn passes(&self, name: &[u8]) -> bool {
        String::from_utf8_lossy(name).to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// The stream whose groups are shown.
    pub(super) fn stream(&self) -> Option<&Watched> {
        let (View::Groups(key) | View::Group(key, _)) = &self.view else { return None };
        self.seen.as_ref()?.streams.iter().find(|one| one.overview.stream.name == *key)
    }

    pub(super) fn rows(&self) -> usize {
        match &self.view {
            View::Streams => self.streams().len(),
            View::Groups(_) => self.stream().map_or(0, |one| one.overview.groups.len()),
            View::Group(..) => self
                .seen
                .as_ref()
                .and_then(|seen| seen.detail.as_ref())
                .map_or(0, |detail| detail.pending.len()),
        }
    }

    /// The selection stays within what there is.
    fn hold(&mut self) {
        self.selected = self.selected.min(self.rows().saturating_sub(1));
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Turn {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Turn::Quit;
        }
        if self.typing {
            self.type_into_filter(key.code);
            return Turn::Draw;
        }
        if self.help {
            self.help = false;
            return Turn::Draw;
        }
        match key.code {
            KeyCode::Char('q') => return Turn::Quit,
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char('p') | KeyCode::Char(' ') => self.paused = !self.paused,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Char('/') => self.typing = self.view == View::Streams,
            KeyCode::Enter | KeyCode::Right | KeyCode::Char('l') => return self.open(),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace | KeyCode::Char('h') => return self.back(),
            other => self.walk(other),
        }
        Turn::Draw
    }

    fn walk(&mut self, code: KeyCode) {
        self.selected = match code {
            KeyCode::Down | KeyCode::Char('j') => self.selected.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.selected.saturating_sub(1),
            KeyCode::PageDown => self.selected.saturating_add(10),
            KeyCode::PageUp => self.selected.saturating_sub(10),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => self.selected,
        };
        self.hold();
    }

    fn type_into_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            // Longer than any screen is wide.
            KeyCode::Char(c) if self.filter.len() < 256 => self.filter.push(c),
            _ => {}
        }
        self.hold();
    }

    fn open(&mut self) -> Turn {
        let selected = self.selected;
        let below = match &self.view {
            View::Streams => {
                self.streams().get(selected).map(|one| View::Groups(one.overview.stream.name.clone()))
            }
            View::Groups(key) => {
                let group = self.stream().and_then(|one| one.overview.groups.get(selected));
                group.map(|group| View::Group(key.clone(), group.name.clone()))
            }
            View::Group(..) => None,
        };
        let Some(below) = below else { return Turn::Draw };
        self.view = below;
        self.above.push(selected);
        self.changed()
    }

    fn back(&mut self) -> Turn {
        let up = match &self.view {
            View::Streams => {
                self.filter.clear();
                return Turn::Draw;
            }
            View::Groups(_) => View::Streams,
            View::Group(key, _) => View::Groups(key.clone()),
        };
        self.view = up;
        let selected = self.above.pop().unwrap_or(0);
        let turn = self.changed();
        self.selected = selected;
        turn
    }

    fn changed(&mut self) -> Turn {
        self.selected = 0;
        self.trouble = None;
        // Also while paused: what is asked for now was not asked for before.
        self.paused = false;
        Turn::Look
    }
}
