//! Sends verdicts: one batch under way, the next gathers meanwhile.

use super::Shared;
use super::held::At;
use super::options::{OnAck, Poison};
use super::outbox::{Death, Fate, Settled};
use super::reader::RETRY;
use crate::dead;
use crate::error::{Error, Result};
use crate::event::What;
use crate::id::EntryId;
use crate::meter::Ending;
use crate::producer;
use crate::store::{Command, Value};
use crate::verbs::{Place, Release};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, error, warn};

/// A group that is gone so often while one batch is sent is left alone.
const HEALS_MAX: u64 = 3;

/// So many transactions are under way at a time. Of no more than these `join_all` begins each in its turn.
const STEPS_MAX: usize = 30;

/// More IDs than this do not go into one command.
const IDS_MAX: usize = 1000;

pub(super) async fn run(shared: Arc<Shared>, stream: u16) {
    loop {
        let (since, batch) = tokio::select! {
            batch = shared.outboxes[usize::from(stream)].take() => batch,
            () = shared.ended.cancelled() => return,
        };
        shared.deliver(stream, batch).await;
        shared.meters[usize::from(stream)].settled_in(since.elapsed());
        shared.left.notify_waiters();
    }
}

impl Shared {
    /// Sends verdicts about one stream until the server has taken them or refused them.
    async fn deliver(&self, stream: u16, mut batch: Vec<Settled>) {
        let place = self.place_of(stream);
        let mut failed = 0;
        while !batch.is_empty() {
            match self.attempt(place, &mut batch).await {
                Ok(()) => return,
                Err(error) if self.may_heal(stream, &error, failed).await => failed += 1,
                Err(error) if error.is_transient() && !self.ended.is_cancelled() => {
                    failed += 1;
                    warn!(stream = place.stream, waiting = batch.len(), failed, %error, "cannot settle yet");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY.after(failed)) => {}
                        () = self.ended.cancelled() => {}
                    }
                    self.drop_settled(place, &mut batch).await;
                }
                Err(error) if self.relearn(&place.stream, &error).await => {}
                Err(error) => return self.give_up(place, batch, error),
            }
        }
    }

    /// Whether another try makes sense because the group, which was gone, is there again, with what is held here. Otherwise
    /// whoever reads next would make it again behind the entries that were to be given back.
    async fn may_heal(&self, stream: u16, error: &Error, failed: u64) -> bool {
        failed < HEALS_MAX && error.is_no_group() && self.heal(stream).await.is_ok()
    }

    /// One try. What is done leaves `batch`.
    async fn attempt(&self, place: &Place, batch: &mut Vec<Settled>) -> Result<()> {
        let (plain, steps): (Vec<Settled>, Vec<Settled>) =
            batch.drain(..).partition(|settled| settled.fate.is_plain());
        let result = self.send_plain(place, &plain).await;
        match &result {
            Ok(()) => self.confirm(plain),
            Err(_) => batch.extend(plain),
        }
        if result.is_err() {
            batch.extend(steps);
            return result;
        }
        self.send_steps(place, steps, batch).await
    }

    /// Transactions, several under way at a time: they leave in their order. Those that may be tried again stay in `batch`.
    async fn send_steps(&self, place: &Place, steps: Vec<Settled>, batch: &mut Vec<Settled>) -> Result<()> {
        let mut failure = Ok(());
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() && failure.is_ok() {
            let some: Vec<Settled> = steps.by_ref().take(STEPS_MAX).collect();
            let sent = join_all(some.iter().map(|step| self.send_step(place, step))).await;
            for (step, sent) in some.into_iter().zip(sent) {
                match sent {
                    Ok(()) => self.confirm(vec![step]),
                    Err(error) if error.is_transient() => {
                        batch.push(step);
                        failure = Err(error);
                    }
                    Err(error) => self.give_up(place, vec![step], error),
                }
            }
        }
        batch.extend(steps);
        failure
    }

    /// Acknowledgements and releases, in one round trip.
    async fn send_plain(&self, place: &Place, plain: &[Settled]) -> Result<()> {
        let mut acks = Vec::new();
        // In the order in which they are to be delivered again.
        let mut releases = Vec::<((Release, i64), Vec<EntryId>)>::new();
        for settled in plain {
            match settled.fate.back() {
                Some((mode, deliveries)) => {
                    let count = self.count_of(mode, deliveries);
                    match releases.last_mut().filter(|(last, _)| *last == (mode, count)) {
                        Some((_, ids)) => ids.push(settled.at.id),
                        None => releases.push(((mode, count), vec![settled.at.id])),
                    }
                }
                None => acks.push(settled.at.id),
            }
        }
        let mut commands = Vec::new();
        let deletes = self.options.on_ack == OnAck::Delete;
        for ids in acks.chunks(IDS_MAX) {
            if deletes && !self.can().xackdel {
                let both = vec![place.ack(ids.iter().copied()), place.delete(ids)];
                first_error(self.store.transaction(both).await?)?;
            } else {
                commands.push(self.ack_command(place, ids));
            }
        }
        for ((mode, count), ids) in releases {
            commands.extend(ids.chunks(IDS_MAX).map(|ids| self.release_command(place, mode, count, ids)));
        }
        if commands.is_empty() {
            return Ok(());
        }
        first_error(self.store.pipeline(commands).await?)?;
        if !self.hands_back(Release::Fail) {
            // XAUTOCLAIM need not wait for its turn.
            self.look.notify_one();
        }
        Ok(())
    }

    fn ack_command(&self, place: &Place, ids: &[EntryId]) -> Command {
        match self.options.on_ack {
            OnAck::Delete if self.can().xackdel => place.ack_delete(ids),
            _ => place.ack(ids.iter().copied()),
        }
    }

    /// What a release has to say about deliveries, which is nothing where XNACK counts by itself.
    fn count_of(&self, mode: Release, deliveries: i64) -> i64 {
        match mode {
            _ if self.hands_back(mode) => 0,
            Release::Silent => (deliveries - 1).max(0),
            Release::Fail => deliveries,
            Release::Fatal => super::admit::POISON_FROM,
        }
    }

    /// Whether entries are given back to the group, or stay with this consumer for who claims them. The group hands out what it
    /// has back in the order in which it came back, which is not that of the IDs: a consumer that keeps order and comes again
    /// under its name finds them in its history, in order.
    pub(super) fn hands_back(&self, mode: Release) -> bool {
        let comes_again = self.options.order_by.is_some() && self.is_named();
        self.can().xnack && (mode == Release::Fatal || !comes_again)
    }

    /// XNACK. If not that, the entry stays with this consumer, but idle for as long as a lease lasts: who claims next gets it.
    fn release_command(&self, place: &Place, mode: Release, count: i64, ids: &[EntryId]) -> Command {
        match self.hands_back(mode) {
            true => place.nack(mode, ids),
            false => place.claim(&self.consumer, ids, self.options.lease, Some(count)),
        }
    }

    /// What has to happen in one step.
    async fn send_step(&self, place: &Place, step: &Settled) -> Result<()> {
        let mut commands = match &step.fate {
            Fate::AckAnd(adds) => adds.clone(),
            Fate::Dead(death) => vec![self.epitaph(place, death)],
            _ => Vec::new(),
        };
        commands.push(place.ack([step.at.id]));
        let mut answers = self.store.transaction(commands).await?;
        let acked = answers.pop().filter(|answer| !matches!(answer, Value::Error(_)));
        let letter = answers.first().and_then(Value::id);
        if let Err(error) = first_error(answers) {
            if acked.is_some() {
                self.undo(place, step.at, &error).await;
            }
            return Err(error);
        }
        if matches!(step.fate, Fate::Dead(_)) {
            self.drop_twin(place, step.at, letter, acked.and_then(|acked| acked.int())).await;
        }
        if self.options.on_ack == OnAck::Delete {
            self.delete(place, step.at.id).await;
        }
        Ok(())
    }

    /// Afterwards, because what is deleted cannot be made pending again.
    async fn delete(&self, place: &Place, id: EntryId) {
        let command = match self.can().xackdel {
            true => place.delete_acked(&[id]),
            false => place.delete(&[id]),
        };
        if let Err(error) = self.store.call(command).await {
            warn!(stream = place.stream, %id, %error, "acknowledged, but not deleted");
        }
    }

    /// A transaction is all or nothing when a process dies, not when one of its commands is refused: what was acknowledged
    /// although something could not be added becomes pending again.
    async fn undo(&self, place: &Place, at: At, refusal: &Error) {
        let deliveries = self.held.lock().deliveries(at);
        let claim = place.claim(&self.consumer, &[at.id], Duration::ZERO, deliveries);
        if let Err(error) = self.store.call(claim.arg("FORCE")).await {
            error!(stream = place.stream, id = %at.id, %refusal, %error, "acknowledged without what follows from it");
        }
    }

    /// XADD to the dead-letter stream: the entry as it is, and where it comes from.
    fn epitaph(&self, place: &Place, death: &Death) -> Command {
        let stream = self.dead_stream(place);
        let id = death.entry.at.id.to_string();
        let deliveries = death.entry.deliveries.to_string();
        let provenance = [
            (dead::REASON, death.reason),
            (dead::ERROR, death.error.as_deref().unwrap_or_default()),
            (dead::STREAM, &place.stream),
            (dead::GROUP, &place.group),
            (dead::CONSUMER, &self.consumer),
            (dead::ID, &id),
            (dead::DELIVERIES, &deliveries),
        ];
        error!(
            stream = place.stream,
            group = place.group,
            id,
            reason = death.reason,
            error = death.error.as_deref(),
            to = stream,
            "dead letter"
        );
        let mut command = Command::new("XADD").arg(&stream).arg("*");
        for (name, value) in death.entry.fields.iter() {
            command = command.arg(name).arg(value);
        }
        provenance
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .fold(command, |command, (name, value)| command.arg(name).arg(value))
    }

    pub(super) fn dead_stream(&self, place: &Place) -> String {
        match &self.options.poison {
            Poison::DeadLetterTo(stream) => stream.clone(),
            _ => producer::dead_letter_stream(&place.stream, self.store.is_cluster()),
        }
    }

    /// After a failure nobody knows what took effect. What is not pending any more was settled; what somebody else has by
    /// now is theirs to settle.
    async fn drop_settled(&self, place: &Place, batch: &mut Vec<Settled>) {
        let ids: Vec<EntryId> = batch.iter().map(|settled| settled.at.id).collect();
        let Ok(pending) = place.still_pending(&self.store, &ids).await else { return };
        let owners: BTreeMap<EntryId, String> = pending.into_iter().map(|one| (one.id, one.owner)).collect();
        let (rest, gone): (Vec<_>, Vec<_>) =
            batch.drain(..).partition(|settled| match owners.get(&settled.at.id) {
                None => false,
                Some(owner) => **owner == *self.consumer || matches!(settled.fate, Fate::Ack | Fate::Discard),
            });
        *batch = rest;
        let (lost, done) = gone
            .into_iter()
            .partition(|settled| owners.contains_key(&settled.at.id) && settled.fate.back().is_none());
        self.confirm(done);
        self.give_up(place, lost, Error::Lost);
    }

    fn confirm(&self, batch: Vec<Settled>) {
        let Some(meter) = batch.first().map(|first| self.meter(first.at)) else { return };
        meter.confirmed(&batch);
        let (now, long) = (Instant::now(), self.options.lease.mul_f64(0.8));
        let mut held = self.held.lock();
        let back = batch.iter().filter(|settled| held.confirm(settled.at, now, long)).count();
        drop(held);
        (0..back).for_each(|_| self.arrived.notify_one());
        if back > 0 {
            meter.came_back(back);
            self.unless_stopped();
        }
        for settled in batch {
            self.observed_settled(&settled);
            if let Some(told) = settled.told {
                let _ = told.send(Ok(()));
            }
        }
    }

    fn observed_settled(&self, settled: &Settled) {
        let at = settled.at;
        match &settled.fate {
            Fate::Ack | Fate::AckAnd(_) => self.observed(at, What::Acknowledged),
            Fate::Discard => self.observed(at, What::Discarded),
            Fate::Nack(_) => self.observed(at, What::Nacked { wait: Duration::ZERO }),
            Fate::Release(Release::Fatal, _) => self.observed(at, What::Marked),
            Fate::Release(mode, _) => self.observed(at, What::Released { counted: *mode == Release::Fail }),
            Fate::Dead(death) => {
                let (to, error) = (self.dead_stream(self.place(at)), death.error.as_deref());
                self.observed(at, What::DeadLettered { to: &to, reason: death.reason, error });
            }
        }
    }

    /// The server refuses. The entries stay pending, and belong to whoever claims them next.
    fn give_up(&self, place: &Place, batch: Vec<Settled>, error: Error) {
        if batch.is_empty() {
            return;
        }
        let ids: Vec<At> = batch.iter().map(|settled| settled.at).collect();
        self.meter(ids[0]).ended(Ending::Abandoned, ids.len());
        match error.is_no_group() {
            true => debug!(stream = place.stream, entries = ids.len(), "settled in a group that is gone"),
            false => error!(stream = place.stream, ?ids, %error, "cannot be settled"),
        }
        let mut held = self.held.lock();
        ids.iter().for_each(|&at| held.forget(at));
        drop(held);
        for told in batch.into_iter().filter_map(|settled| settled.told) {
            let _ = told.send(Err(error.clone()));
        }
    }
}

fn first_error(answers: Vec<Value>) -> Result<()> {
    answers.into_iter().try_for_each(|answer| answer.into_result().map(drop))
}
