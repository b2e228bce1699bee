//! Something that is made when it is needed, once for all who need it, and made again when it turned out to be broken.

use crate::error::Result;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;

type Attempt<T> = Shared<BoxFuture<'static, Result<T>>>;

pub(super) struct Lazy<T: Clone>(Mutex<Slot<T>>);

struct Slot<T: Clone> {
    /// Tells attempts apart, so that only what is broken is thrown away, not what replaced it.
    number: u64,
    attempt: Option<Attempt<T>>,
}

impl<T: Clone> Lazy<T> {
    pub(super) fn new() -> Lazy<T> {
        Lazy(Mutex::new(Slot { number: 0, attempt: None }))
    }

    /// What there is, or what `make` makes. Those who come while it is being made get the same, be it a failure.
    pub(super) async fn get(&self, make: impl FnOnce() -> BoxFuture<'static, Result<T>>) -> Result<(u64, T)> {
        let (number, attempt) = {
            let mut slot = self.0.lock();
            if slot.attempt.is_none() {
                slot.number += 1;
                slot.attempt = Some(make().shared());
            }
            (slot.number, slot.attempt.clone().expect("there is an attempt"))
        };
        match attempt.await {
            Ok(made) => Ok((number, made)),
            Err(error) => {
                self.forget(number);
                Err(error)
            }
        }
    }

    /// What there is.
    pub(super) fn peek(&self) -> Option<(u64, T)> {
        let slot = self.0.lock();
        let made = slot.attempt.as_ref()?.peek()?.as_ref().ok()?.clone();
        Some((slot.number, made))
    }

    /// Throws this one away; whoever needs one next makes another.
    pub(super) fn forget(&self, number: u64) {
        let mut slot = self.0.lock();
        if slot.number == number {
            slot.attempt = None;
        }
    }
}
