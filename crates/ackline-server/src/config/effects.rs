//! What a change at run time brings about.

use super::Config;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

type Effect = Arc<dyn Fn(&Config) -> Result<(), String> + Send + Sync>;

/// What is run when one of some parameters has changed.
#[derive(Default)]
pub(super) struct Effects(Mutex<Vec<(&'static [&'static str], Effect)>>);

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Effects").field(&self.0.lock().len()).finish()
    }
}

impl Effects {
    pub(super) fn add(&self, names: &'static [&'static str], effect: Effect) {
        self.0.lock().push((names, effect));
    }

    /// Runs what these changes bring about, up to the first failure: the parameter, and why.
    pub(super) fn run(&self, config: &Config, changed: &[&str]) -> Result<(), (&'static str, String)> {
        // Not held meanwhile: an effect may look at the configuration.
        let all = self.0.lock().clone();
        all.iter().try_for_each(|(names, effect)| match names.iter().find(|name| changed.contains(name)) {
            Some(name) => effect(config).map_err(|reason| (*name, reason)),
            None => Ok(()),
        })
    }
}
