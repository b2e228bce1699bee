//! The prompt.

use crate::cli::link::Link;
use ackline_admin::client::Place;
use reedline::{Color, Prompt, PromptEditMode, PromptHistorySearch};
use std::borrow::Cow;

/// `host:port[db](TX)> `
pub(super) struct Here(pub(super) String);

impl Here {
    pub(super) fn of(link: &Link) -> Here {
        if !link.is_connected() {
            return Here("not connected> ".to_owned());
        }
        let mut text = match &link.address.place {
            Place::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Place::Tcp(host, port) => format!("{host}:{port}"),
            Place::Unix(path) => format!("redis {}", path.display()),
        };
        if link.state.database != 0 {
            text += &format!("[{}]", link.state.database);
        }
        text += if link.state.transaction { "(TX)" } else { "" };
        text += if link.state.is_subscribed() { "(subscribed mode)" } else { "" };
        Here(text + "> ")
    }
}

impl Prompt for Here {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(reverse-i-search)`{}': ", search.term))
    }

    fn get_prompt_color(&self) -> Color {
        Color::Reset
    }
}
