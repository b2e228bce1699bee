//! Which messages are there, asked for one after the other.

use super::blocks::Blocks;
use crate::id::StreamId;

/// Whether there is an entry with an ID, asked for ascending IDs: goes along each block once.
pub(crate) fn presence(blocks: Blocks<'_>) -> impl FnMut(StreamId) -> bool {
    let mut here = None;
    move |id| {
        if here.as_ref().is_none_or(|(last, _)| *last < id) {
            let block = blocks.find(id);
            here = block.map(|block| (block.last(), block.slots_from(id).peekable()));
        }
        here.as_mut().is_some_and(|(_, slots)| {
            while slots.next_if(|slot| slot.id < id).is_some() {}
            slots.peek().is_some_and(|slot| slot.id == id)
        })
    }
}
