//! What the receivers, the API and the page share.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::answers::Answers;
use crate::config::Config;
use crate::counters::Counters;
use crate::forward::Forwarding;
use crate::live::Live;
use crate::questions::{Attended, Place, Questions, Unanswered, Waits};
use crate::store::{Answer, Store, StoreError};

/// The running backend's state; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

/// See [`App`], which gives access to these.
#[derive(Debug)]
pub struct Shared {
    /// Where spans are.
    pub store: Box<dyn Store>,
    /// What came in, what was refused.
    pub counters: Counters,
    /// Who has new spans.
    pub live: Live,
    /// Who asks the store.
    pub(crate) questions: Questions,
    /// What was answered and not yet taken.
    pub(crate) answers: Answers,
    /// Sends spans on; to nobody, unless it was asked for.
    pub forward: Forwarding,
    /// As it was started.
    pub config: Config,
    /// When it was started.
    pub started: Instant,
    /// The same by the wall clock.
    pub started_at: SystemTime,
}

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// State around a store.
    pub fn new(config: Config, store: Box<dyn Store>) -> Self {
        Self::forwarding(config, store, Forwarding::default())
    }

    /// The same, and what comes in is sent on.
    pub fn forwarding(config: Config, store: Box<dyn Store>, forward: Forwarding) -> Self {
        App(Arc::new(Shared {
            store,
            counters: Counters::default(),
            live: Live::default(),
            questions: Questions::default(),
            answers: Answers::default(),
            forward,
            config,
            started: Instant::now(),
            started_at: SystemTime::now(),
        }))
    }

    /// Asks the store from async code, on a thread that may block. Few are asked so at a time, and the question ends when nobody waits for this any more.
    ///
    /// # Errors
    /// If too many ask; what the question's answer is; or that the question panicked, which is a bug and does not end the program.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, Unanswered>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Answer<T> + Send + 'static,
    {
        let place = self.questions.search().await.ok_or(Unanswered::Busy)?;
        self.ask_from(place, question).await
    }

    /// The same for what is answered in a moment: names, and how full the store is. It does not wait for searches.
    ///
    /// # Errors
    /// What the question's answer is; or that the question panicked.
    pub async fn ask_briefly<T, F>(&self, question: F) -> Result<T, Unanswered>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Answer<T> + Send + 'static,
    {
        let place = self.questions.brief().await;
        self.ask_from(place, question).await
    }

    async fn ask_from<T, F>(&self, place: Place, question: F) -> Result<T, Unanswered>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Answer<T> + Send + 'static,
    {
        let app = self.clone();
        let waits = Waits::default();
        let gone = waits.gone();
        let asked = tokio::task::spawn_blocking(move || {
            // As long as it takes, also if nobody waits.
            let _place = place;
            question(&Attended { store: &*app.store, gone })
        });
        let answer = asked.await;
        drop(waits);
        match answer {
            Ok(answer) => answer.map_err(Unanswered::Failed),
            Err(_) => Err(Unanswered::Failed(StoreError("the question failed inside: a bug".to_owned()))),
        }
    }
}
