//! `ackline top`: streams, groups and who holds what, live.

mod app;
mod data;
mod draw;
#[cfg(test)]
mod tests;

use super::moment;
use super::options::Shared;
use super::trouble::Trouble;
use ackline_admin::Client;
use app::{App, Turn};
use crossterm::event::{self, Event, KeyEventKind};
use data::Collector;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// `ackline top`
#[derive(clap::Args)]
pub(crate) struct Top {
    #[command(flatten)]
    shared: Shared,
    /// How often to look.
    #[arg(short, long, value_name = "TIME", default_value = "2s", value_parser = moment::duration)]
    interval: Duration,
}

impl Top {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Trouble::Usage(
                "top needs a terminal; for scripts there is `ackline streams ls -o json`".to_owned(),
            ));
        }
        // Who cannot get in is told so before the screen is taken.
        let client = self.shared.connect()?;
        let address = self.shared.address()?.name();
        // From here on a panic gives the terminal back before it is reported.
        let mut terminal = ratatui::try_init()?;
        let done = self.watch(&mut terminal, App::new(address, self.shared.colours()), client);
        ratatui::try_restore()?;
        done
    }

    fn watch(
        &self,
        terminal: &mut ratatui::DefaultTerminal,
        mut app: App,
        client: Client,
    ) -> Result<(), Trouble> {
        let mut collector = Collector::new(client);
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                self.look(&mut app, &mut collector);
                next = Instant::now() + self.interval.max(Duration::from_millis(100));
            }
            terminal.draw(|frame| draw::draw(frame, &mut app))?;
            if !event::poll(next.saturating_duration_since(Instant::now()))? {
                continue;
            }
            let Event::Key(key) = event::read()? else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            match app.key(key) {
                Turn::Quit => return Ok(()),
                Turn::Look => next = Instant::now(),
                Turn::Draw => {}
            }
        }
    }

    /// A server that is gone may come back: each look tries anew.
    fn look(&self, app: &mut App, collector: &mut Collector) {
        if app.paused && app.seen.is_some() {
            return;
        }
        let looked = collector.look(&app.view).map_err(Trouble::from);
        match looked {
            Ok(seen) => app.take(seen),
            Err(trouble) => {
                app.trouble = Some(trouble.to_string());
                if matches!(trouble, Trouble::Unreachable(_))
                    && let Ok(client) = self.shared.connect()
                {
                    collector.reconnect(client);
                }
            }
        }
    }
}
