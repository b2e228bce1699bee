//! What was measured lately.

use parking_lot::Mutex;

/// Rates of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StreamRates {
    pub(crate) added: Option<f64>,
    pub(crate) acked: Option<f64>,
}

/// Rates of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GroupRates {
    pub(crate) delivered: Option<f64>,
    pub(crate) acked: Option<f64>,
}

/// Rates of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ServerRates {
    pub(crate) ops: Option<f64>,
    pub(crate) net_in: Option<f64>,
    pub(crate) net_out: Option<f64>,
}

/// Over all databases.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) streams: i64,
    pub(crate) groups: i64,
    pub(crate) pending: i64,
    pub(crate) dead: i64,
    /// Unix ms.
    pub(crate) as_of: i64,
}

/// All samples.
#[derive(Default)]
pub(crate) struct Samples {
    totals: Mutex<Option<Totals>>,
}

impl Samples {
    pub(crate) fn stream_rates(&self, _: u32, _: &[u8]) -> StreamRates {
        StreamRates::default()
    }

    pub(crate) fn group_rates(&self, _: u32, _: &[u8], _: &[u8]) -> GroupRates {
        GroupRates::default()
    }

    pub(crate) fn server_rates(&self) -> ServerRates {
        ServerRates::default()
    }

    pub(crate) fn totals(&self) -> Option<Totals> {
        *self.totals.lock()
    }

    pub(crate) fn curve(&self, _: u32, _: &str, _: i64, points: usize) -> (i64, Vec<Option<f64>>) {
        (crate::http::rows::now_ms(), vec![None; points])
    }

    pub(crate) fn looked_at<'k>(&self, _: u32, _: impl Iterator<Item = &'k [u8]>) {}
}
