//! Without the feature `testing` nobody asks what is under way.

use crate::error::Result;
use crate::world::World;
use ackline_consumer::{Add, EntryId};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Ledger;

pub(crate) struct Expected;

impl Ledger {
    pub(crate) fn new(_: World) -> Ledger {
        Ledger
    }

    pub(crate) fn opened(&self, _: &str, _: &str) {}

    pub(crate) fn left(&self, _: &str, _: &str) {}

    pub(crate) fn expect_entries<'a>(&self, _: impl IntoIterator<Item = &'a Add>) -> Expected {
        Expected
    }

    pub(crate) fn added<E>(&self, _: Expected, _: Result<&[EntryId], E>) {}

    pub(crate) fn expect_again(&self, _: &str, _: &str) -> Expected {
        Expected
    }

    pub(crate) fn expect_later(&self, _: &str, _: &str, _: EntryId, _: Duration) -> Expected {
        Expected
    }

    pub(crate) fn expect_dead(&self, _: Option<String>) -> Expected {
        Expected
    }

    pub(crate) fn refused(&self, _: Expected, _: bool) {}

    pub(crate) fn arrived(&self, _: &str, _: &str, _: EntryId) {}

    pub(crate) fn settled(&self) {}
}
