//! What users are to connections: who each is, what it may do, and what follows when a user changes.

use super::catalog::CATALOG;
use super::log::{Reason, Refusal};
use super::{Call, Denied, User, refusal_text};
use crate::clients::ClientInfo;
use crate::commands::client;
use crate::handle::Who;
use crate::mail::Msg;
use crate::pubsub::Kind;
use crate::session::{Blocked, Session};
use crate::shared::Shared;
use ackline_engine::{Args, Error, Spec, Ticket};
use std::sync::Arc;

/// As whom a connection acts.
pub(crate) struct Identity {
    pub(crate) user: Arc<User>,
    /// The version of [`super::Users`] that `user` was taken from.
    version: u64,
    /// The user may not do everything.
    pub(crate) limited: bool,
    /// It logged in, or needed not to when it came.
    logged_in: bool,
    /// It may act as `user` now: it logged in, or nobody needs to.
    pub(crate) admitted: bool,
    /// As whom a connection from within the process began: nobody else can log in on it.
    home: Option<Arc<User>>,
}

impl Shared {
    /// As whom a connection begins; `None` if there is no such user, or it is off.
    pub(crate) fn identify(&self, who: &Who) -> Option<Identity> {
        let version = self.users.version();
        let user = self.users.admit(who)?;
        let home = (*who != Who::Nobody).then(|| Arc::clone(&user));
        let logged_in = home.is_some() || user.is_open();
        Some(Identity { version, limited: !user.unlimited, logged_in, admitted: logged_in, home, user })
    }

    /// Tells everybody that users have changed; `by` is the client who changed them.
    pub(crate) fn users_changed(&self, by: u64) {
        (0..self.mailboxes().len()).for_each(|thread| self.mail(thread, Msg::UsersChanged { by }));
    }

    /// Ends blocked reads that their users may not make any more, so that nothing is delivered to them. Takes shards.
    pub(crate) fn end_forbidden_reads(&self) {
        let waiting: Vec<(Ticket, u64)> =
            self.waiting.lock().iter().map(|(ticket, (_, client))| (*ticket, *client)).collect();
        for (ticket, client) in waiting {
            if let Some(info) = self.clients.get(client) {
                let user = info.details.lock().user.clone();
                let user = user.and_then(|user| self.users.renewed(&user));
                self.end_if_forbidden(ticket, &info, user.as_deref());
            }
        }
    }

    /// Ends a blocked read unless the user may make it; who is gone may make none.
    fn end_if_forbidden(&self, ticket: Ticket, info: &ClientInfo, user: Option<&User>) {
        if user.is_some_and(|user| user.unlimited) {
            return;
        }
        let Some((spec, args)) = self.broker().parked_call(ticket) else { return };
        let call = Call::new(spec, args.as_args());
        let error = match user.map(|user| (user, user.check(call))) {
            Some((_, Ok(()))) => return,
            Some((user, Err(denied))) => {
                self.note_denied(info, user, call, &denied, false);
                refusal_text(user, call, &denied)
            }
            None => Error::from_static("NOPERM The user is gone"),
        };
        // False if it got its answer meanwhile, when it was still allowed.
        self.broker().unpark(ticket, Err(error));
    }

    /// Notes a refused call in ACL LOG.
    fn note_denied(
        &self,
        info: &ClientInfo,
        user: &User,
        call: Call<'_>,
        denied: &Denied<'_>,
        in_multi: bool,
    ) {
        let object = match denied {
            Denied::Command => call.spec.name.as_bytes(),
            Denied::Key(_, name) | Denied::Channel(_, name) => name,
        };
        let (reason, object, user) = (denied.reason(), object.to_vec(), user.name.clone());
        self.note_refusal(info, Refusal { reason, in_multi, object, user });
    }

    fn note_refusal(&self, info: &ClientInfo, refusal: Refusal) {
        let line = client::line(info.id, info).trim_end().to_owned();
        let max = self.config.int("acllog-max-len").max(0) as usize;
        self.users.log.add(refusal, line, ackline::now_ms(), max);
    }
}

impl Session {
    /// From now on this user's, who has said its password.
    pub(crate) fn log_in(&mut self, user: Arc<User>) {
        self.identity.logged_in = true;
        self.identity.admitted = true;
        self.act_as(user);
    }

    /// As when it came.
    pub(crate) fn log_out(&mut self, shared: &Shared) {
        let user = match &self.identity.home {
            Some(home) => Arc::clone(home),
            None => shared.users.default_user(),
        };
        self.identity.logged_in = self.identity.home.is_some() || user.is_open();
        self.identity.admitted = self.identity.logged_in;
        self.act_as(user);
    }

    /// Whether it stays as whom it began.
    pub(crate) fn is_pinned(&self) -> bool {
        self.identity.home.is_some()
    }

    fn act_as(&mut self, user: Arc<User>) {
        self.identity.limited = !user.unlimited;
        self.info.details.lock().user = Some(Arc::clone(&user));
        self.identity.user = user;
    }

    /// Whether users have changed since it looked.
    #[inline]
    pub(crate) fn is_outdated(&self, shared: &Shared) -> bool {
        self.identity.version != shared.users.version()
    }

    /// Takes over what its user has become. False if the connection has to end: the user is gone, or may no longer
    /// listen to what it listens to.
    pub(crate) fn renew_user(&mut self, shared: &Shared) -> bool {
        self.identity.version = shared.users.version();
        let Some(user) = shared.users.renewed(&self.identity.user) else { return false };
        if self.loses_channels(&user) {
            return false;
        }
        self.identity.admitted = self.identity.logged_in || shared.users.default_user().is_open();
        self.act_as(user);
        if let Some(Blocked::Read(ticket)) = self.blocked {
            shared.end_if_forbidden(ticket, &self.info, Some(&self.identity.user));
        }
        true
    }

    fn loses_channels(&self, user: &User) -> bool {
        let forbidden = |kind: Kind| {
            let mut names = self.subscriptions[kind as usize].iter();
            names.any(|name| !user.allows_channel(name, kind == Kind::Pattern))
        };
        self.subscribed() > 0
            && !user.keeps_channels_of(&self.identity.user)
            && [Kind::Channel, Kind::Pattern, Kind::Shard].into_iter().any(forbidden)
    }

    /// Whether its user may make a call.
    pub(crate) fn may(&self, number: u16, spec: &'static Spec, args: Args<'_>) -> bool {
        !self.identity.limited || self.identity.user.check(Call { spec, number, args }).is_ok()
    }

    /// What keeps its user from making a call; it is noted in ACL LOG.
    pub(crate) fn check(
        &self,
        shared: &Shared,
        spec: &'static Spec,
        args: Args<'_>,
        in_multi: bool,
    ) -> Result<(), (Reason, Error)> {
        if !self.identity.limited {
            return Ok(());
        }
        let (user, call) = (&self.identity.user, Call { spec, number: CATALOG.number(spec), args });
        user.check(call).map_err(|denied| {
            // As CLIENT LIST shows it, this is the last command.
            *self.info.last.lock() = spec.name;
            shared.note_denied(&self.info, user, call, &denied, in_multi);
            (denied.reason(), refusal_text(user, call, &denied))
        })
    }

    /// Logs in with a name and a password. `command` is the word that the client called this by.
    pub(crate) fn authenticate(
        &mut self,
        shared: &Shared,
        (name, password): (&[u8], &[u8]),
        command: &[u8],
        in_multi: bool,
    ) -> Result<(), Error> {
        if self.is_pinned() {
            return Err(Error::from_static("ERR this connection cannot log in as somebody else"));
        }
        match shared.users.authenticate(name, password) {
            Some(user) => {
                self.log_in(user);
                Ok(())
            }
            None => {
                let (object, user) = (command.to_vec(), name.to_vec());
                shared.note_refusal(&self.info, Refusal { reason: Reason::Auth, in_multi, object, user });
                Err(Error::from_static("WRONGPASS invalid username-password pair or user is disabled."))
            }
        }
    }
}
