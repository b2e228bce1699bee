//! What is done with a job: a handler, or layers around one.

use crate::handler::{Handler, Job};
use crate::outcome::{BoxError, Outcome};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// What is done with a job.
pub trait Work: Send + Sync + 'static {
    /// Does it.
    fn work(&self, job: Job) -> impl Future<Output = Result<Outcome, BoxError>> + Send;
}

/// A function.
pub struct Function<H, Args>(Arc<H>, PhantomData<fn(Args)>);

impl<H, Args> Function<H, Args> {
    pub(crate) fn new(handler: H) -> Function<H, Args> {
        Function(Arc::new(handler), PhantomData)
    }
}

impl<H, Args> Clone for Function<H, Args> {
    fn clone(&self) -> Function<H, Args> {
        Function(Arc::clone(&self.0), PhantomData)
    }
}

impl<H: Handler<Args>, Args: 'static> Work for Function<H, Args> {
    fn work(&self, job: Job) -> impl Future<Output = Result<Outcome, BoxError>> + Send {
        self.0.call(job)
    }
}

/// A function as a service of tower, which is what layers are put around.
impl<H: Handler<Args>, Args: 'static> Service<Job> for Function<H, Args> {
    type Response = Outcome;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: Job) -> Self::Future {
        let handler = Arc::clone(&self.0);
        Box::pin(async move { handler.call(job).await })
    }
}

/// A service of tower, layers included.
pub struct Layered<S>(S);

impl<S> Layered<S> {
    pub(crate) fn new(service: S) -> Layered<S> {
        Layered(service)
    }

    pub(crate) fn into_inner(self) -> S {
        self.0
    }
}

impl<S> Work for Layered<S>
where
    S: Service<Job, Response = Outcome> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send,
{
    async fn work(&self, job: Job) -> Result<Outcome, BoxError> {
        // Services are ready for one call at a time: each call has one of its own.
        let mut service = self.0.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
        service.call(job).await.map_err(Into::into)
    }
}
