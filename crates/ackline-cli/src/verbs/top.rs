//! `ackline top`
use super::options::Shared;
use super::trouble::Trouble;

/// `ackline top`
#[derive(clap::Args)]
pub(crate) struct Top {
    #[command(flatten)]
    shared: Shared,
}
impl Top {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        self.shared.connect().map(drop)
    }
}
