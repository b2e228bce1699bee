use crate::error::Result;
use crate::store::Store;
#[derive(Clone, Debug)]
pub(crate) struct Capabilities { pub(crate) xnack: bool, pub(crate) claim: bool, pub(crate) xackdel: bool }
impl Capabilities {
    pub(crate) async fn detect(_: &Store, _: &str) -> Result<Capabilities> { Ok(Capabilities { xnack: true, claim: true, xackdel: true }) }
}
