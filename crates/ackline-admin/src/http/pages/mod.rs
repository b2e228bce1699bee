//! What is looked at: every handler of a GET.

pub(crate) mod attention;
pub(crate) mod dead;
pub(crate) mod entries;
pub(crate) mod server;
pub(crate) mod streams;

use super::samples::Samples;
use super::site::Site;
