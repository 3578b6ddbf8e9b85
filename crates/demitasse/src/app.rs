//! The composition root: connects backends, builds the HTTP side and the workers on them, and runs both until told to
//! stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use demitasse_backends::{Backends, connect};
use demitasse_core::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::accept::Intake;
use crate::bridge::{Bridge, Told, adopt_regularly, hear_results, take_tasks};
use crate::config::{Config, Role, WorkerConfig};
use crate::disk::Disks;
use crate::fetch::{FetchPolicy, GuardedClient};
use crate::http::{self, BaseUrl, Door, Http, Probes, operations, router};
use crate::memory::Admission;
use crate::metrics::Metrics;
use crate::notify::{Announcer, Channel, announce_regularly};
use crate::push::{self, Vapid, VapidKey, WebPush};
use crate::reclaim::reclaim;
use crate::sandbox::{self, Sandbox, State};
use crate::spool::Spool;
use crate::worker::{self, EngineAllowance, EngineChild, Originals, Worker};

/// Uploads whose header is read at the same time; each is in memory while it is.
const INSPECTIONS: usize = 4;

/// Cancellations that a worker may have missed while it was busy; more are noticed when its work ends.
const CANCELLATIONS: usize = 256;

/// How long a stop waits for news that is being told, once the jobs have ended; the rows keep it.
const TELLING_GRACE: Duration = Duration::from_secs(2);

type Serving = tokio::task::JoinHandle<io::Result<()>>;

/// A server: everything but the socket.
pub struct App {
    config: Config,
    worker: Arc<Worker>,
    metrics: Arc<Metrics>,
    http: Arc<Http>,
    /// Removed with the app.
    _spool: Spool,
}

impl App {
    /// Opens the configured backends and builds a server on them.
    ///
    /// # Errors
    /// A directory, a database or a lock cannot be had; the text says which and what to do.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let backends = connect(&config.urls).await?;
        Self::new(config, backends, Arc::new(SystemClock)).await
    }

    /// Builds a server on the given backends, which this process has for itself, and takes over what a dead process
    /// left unfinished.
    ///
    /// # Errors
    /// The spool cannot be made, or the store cannot be read.
    pub async fn new(config: Config, backends: Backends, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let spool = spool(&config, &backends).await?;
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let metrics = Arc::new(Metrics::new().context("cannot set up the metrics")?);
        let wake = Arc::new(Notify::new());
        let stopping = CancellationToken::new();
        let push = Arc::new(web_push(&config, &backends, clock.clone()).await?);
        let bridge =
            Bridge::new(&backends, clock.clone(), metrics.clone(), wake.clone(), config.bridge_patience)
                .map(Arc::new);
        let mut channels: Vec<Arc<dyn Channel>> = vec![push.clone()];
        channels.extend(bridge.clone().map(|bridge| Arc::new(Told(bridge)) as _));
        let admission = Arc::new(Admission::new(config.worker.memory_budget));
        let (engine, sandbox) = engine(&config, admission.clone()).await?;
        let worker = Arc::new(Worker {
            backends: backends.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            engine,
            config: config.worker.clone(),
            space: config.space.clone(),
            single_flight: worker::SingleFlight::default(),
            wake: wake.clone(),
            stopping: stopping.clone(),
            giving_up: CancellationToken::new(),
            cancelled: broadcast::Sender::new(CANCELLATIONS),
            bridge: bridge.clone(),
            originals: Originals { client: originals(&config), spool: spool.path(), limits: config.limits },
            announcer: Announcer::new(backends.clone(), clock.clone(), channels),
        });
        let http = Arc::new(Http {
            config: config.http.clone(),
            limits: config.limits,
            intake: Intake {
                backends: backends.clone(),
                clock,
                metrics: metrics.clone(),
                wake,
                spool: spool.path(),
                max_attempts: config.worker.max_attempts,
                bridge,
            },
            backends,
            push,
            door: Door::new(&config.http.door),
            disks: Disks::new(config.space.disks.clone(), config.space.min_free),
            metrics: metrics.clone(),
            stopping,
            inspections: Semaphore::new(INSPECTIONS),
            probes: Probes::default(),
            admission: (config.role != Role::Api).then_some(admission),
            sandbox,
            last_event: 0.into(),
        });
        take_over(&worker).await?;
        Ok(Self { config, worker, metrics, http, _spool: spool })
    }

    /// What answers requests; a worker's answers only how it is.
    pub fn router(&self) -> Router {
        match self.config.role {
            Role::AllInOne | Role::Api => router(self.http.clone()),
            Role::Worker => operations(self.http.clone()),
        }
    }

    /// Does every job that is ready now, and waits until those who asked are told; for tests, which run no workers.
    pub async fn run_pending_jobs(&self) {
        worker::run_pending(&self.worker, "test").await;
        self.worker.announcer.told().await;
    }

    /// Tells all news that is due; for tests, which have nobody who does it by itself.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn announce_due(&self) -> anyhow::Result<usize> {
        Ok(self.worker.announcer.announce_due().await?)
    }

    /// Deletes the images that are older than they may be; for tests, which have nobody who does it by itself.
    ///
    /// # Errors
    /// A store cannot be asked.
    pub async fn delete_expired(&self) -> anyhow::Result<usize> {
        Ok(worker::delete_expired(&self.worker).await?)
    }

    /// Removes the blobs that are due; for tests, which have nobody who does it by itself.
    ///
    /// # Errors
    /// A store cannot be asked.
    pub async fn remove_blobs(&self) -> anyhow::Result<usize> {
        Ok(worker::remove_blobs(&self.worker).await?)
    }

    /// The counters, as Prometheus reads them.
    ///
    /// # Errors
    /// The queue cannot be counted.
    pub async fn metrics_text(&self) -> anyhow::Result<String> {
        Ok(self.http.metrics_text().await?)
    }

    /// Begins to stop: long answers end, no job is claimed.
    pub fn stop(&self) {
        self.worker.stopping.cancel();
    }

    /// Serves until `stop` completes; then lets running requests and jobs end within the grace time, and gives back the
    /// jobs that do not.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let (address, serving) = match self.config.listen {
            Some(listen) => {
                let (address, serving) = self.listen(listen).await?;
                (Some(address), Some(serving))
            }
            None => (None, None),
        };
        tracing::info!(
            backends = self.worker.backends.description,
            workers = self.config.worker.workers,
            "started"
        );
        self.say_ready(address).context("cannot write to standard output")?;
        let workers = self.start_workers();

        stop.await;
        tracing::info!("stopping: no new work");
        self.stop();
        self.wind_down(workers, serving).await;
        tracing::info!("stopped");
        Ok(())
    }

    async fn listen(&self, listen: SocketAddr) -> anyhow::Result<(SocketAddr, Serving)> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}: choose another address with --listen, or stop the program that has it")
        })?;
        let address = listener.local_addr()?;
        let (config, metrics) = (self.config.http.clone(), self.metrics.clone());
        let serving = http::serve(listener, self.router(), config, metrics, self.worker.stopping.clone());
        Ok((address, tokio::spawn(serving)))
    }

    /// The one line on standard output, for people and for scripts that wait for it.
    fn say_ready(&self, address: Option<SocketAddr>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match (self.config.role, &self.config.http.public_url, address) {
            (Role::Worker, _, _) => {
                writeln!(out, "Demitasse is ready: {} workers", self.config.worker.workers)?
            }
            (_, Some(url), _) => writeln!(out, "Demitasse is ready: {}", url.as_str().trim_end_matches('/'))?,
            (_, None, Some(address)) => writeln!(out, "Demitasse is ready: http://{address}")?,
            (_, None, None) => writeln!(out, "Demitasse is ready")?,
        }
        out.flush()
    }

    fn start_workers(&self) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        self.metrics.set_workers(self.config.worker.workers);
        for number in 1..=self.config.worker.workers {
            workers.spawn(worker::run(self.worker.clone(), worker_name(number)));
        }
        let worker = self.worker.clone();
        workers.spawn(async move { worker::sweep_regularly(&worker).await });
        let worker = self.worker.clone();
        workers.spawn(async move { worker::tidy_regularly(&worker).await });
        self.join_original(&mut workers);
        let has_workers = self.config.worker.workers > 0;
        if has_workers {
            let worker = self.worker.clone();
            workers.spawn(async move { worker::follow_events(&worker).await });
        }
        // Its worker tells nobody of ours.
        if has_workers || self.worker.bridge.as_ref().is_some_and(|bridge| bridge.works()) {
            let (announcer, stopping) = (self.worker.announcer.clone(), self.worker.stopping.clone());
            workers.spawn(announce_regularly(announcer, stopping));
        }
        workers
    }

    /// What keeps us in step with the original service, where it shares our store.
    fn join_original(&self, tasks: &mut JoinSet<()>) {
        let (worker, stopping) = (&self.worker, &self.worker.stopping);
        let pause = self.config.worker.sweep;
        tasks.spawn(adopt_regularly(worker.backends.clone(), pause, stopping.clone()));
        let Some(bridge) = &worker.bridge else { return };
        tasks.spawn(hear_results(bridge.clone(), stopping.clone()));
        if !bridge.works() {
            tasks.spawn(take_tasks(bridge.clone(), pause, stopping.clone()));
        }
    }

    async fn wind_down(&self, mut workers: JoinSet<()>, serving: Option<Serving>) {
        let all = async |workers: &mut JoinSet<()>| while workers.join_next().await.is_some() {};
        let running = async {
            if let Some(serving) = serving
                && let Ok(Err(error)) = serving.await
            {
                tracing::error!(%error, "the server failed");
            }
            all(&mut workers).await;
        };
        if timeout(self.config.grace, running).await.is_err() {
            tracing::warn!("the grace time is over; unfinished jobs are given back");
            self.worker.giving_up.cancel();
            // What remains are two short writes for each job.
            timeout(Duration::from_secs(5), all(&mut workers)).await.ok();
        }
        if timeout(TELLING_GRACE, self.worker.announcer.told()).await.is_err() {
            tracing::info!("news that is still being told is told again by whoever serves the store next");
        }
    }
}

/// Puts the jobs back into the queue that a dead process left unfinished.
async fn take_over(worker: &Worker) -> anyhow::Result<()> {
    if worker.backends.exclusive {
        worker::release_orphans(worker).await.context("cannot take over unfinished jobs")?;
    }
    worker::sweep(worker).await.context("cannot read the unfinished jobs")
}

/// The child process that compresses, and what it is held to; `None` where nothing is compressed.
async fn engine(
    config: &Config,
    admission: Arc<Admission>,
) -> anyhow::Result<(EngineChild, Option<Sandbox>)> {
    let program = config.worker.program.clone().map_or_else(EngineChild::this_program, Ok);
    let program = program.context("cannot find this program")?;
    let sandbox = match config.role {
        Role::Api => None,
        Role::AllInOne | Role::Worker => {
            let sandbox = sandbox::establish(&program, config.worker.sandbox).await;
            Some(sandbox.map_err(anyhow::Error::msg)?)
        }
    };
    match &sandbox {
        Some(sandbox) if sandbox.state() == State::Full => {
            tracing::info!(%sandbox, "images are compressed in a sandbox")
        }
        Some(sandbox) => {
            tracing::warn!(%sandbox, "a hostile image could reach more than it should: see SECURITY.md")
        }
        None => {}
    }
    let layers = sandbox.as_ref().map(|sandbox| sandbox.layers.clone()).unwrap_or_default();
    let WorkerConfig { deadline, memory, images_per_process, .. } = config.worker;
    let allowed = EngineAllowance { deadline, memory, sandbox: layers };
    Ok((EngineChild::new(program, config.limits, allowed, admission, images_per_process), sandbox))
}

/// A directory for bytes in flight; what processes left that died is tidied up.
async fn spool(config: &Config, backends: &Backends) -> anyhow::Result<Spool> {
    let parent = config.data.join("spool");
    let prepared = Spool::open(&parent).with_context(|| format!("cannot prepare {}", parent.display()));
    let (spool, abandoned) = prepared?;
    // A store that does not answer is no reason not to start; what was left stays for the next one.
    if let Err(error) = reclaim(backends, abandoned).await {
        tracing::warn!(error = format!("{error:#}"), "what a process left that died is not tidied up");
    }
    Ok(spool)
}

/// Web push under the configured key, or the one that is kept in the store.
async fn web_push(config: &Config, backends: &Backends, clock: Arc<dyn Clock>) -> anyhow::Result<WebPush> {
    let key = match &config.push.key {
        Some(key) => key.clone(),
        None => VapidKey::kept_in(&*backends.settings).await.context("cannot set up the push key")?,
    };
    let public_url = config.http.public_url.as_ref().filter(|url| url.scheme() == "https");
    let contact = config.push.contact.clone().or_else(|| public_url.map(ToString::to_string));
    Ok(WebPush {
        client: GuardedClient::new(FetchPolicy { total_timeout: push::TIMEOUT, ..config.fetch.clone() }),
        vapid: Vapid::new(key, contact),
        subscriptions: backends.subscriptions.clone(),
        clock,
        base: BaseUrl::of_config(&config.http),
    })
}

/// Originals that the original service keeps: its storage may say `http`.
fn originals(config: &Config) -> GuardedClient {
    let policy = config.fetch.clone();
    GuardedClient::new(FetchPolicy {
        http: true,
        ports: vec![80, 443],
        max_bytes: config.limits.max_bytes,
        ..policy
    })
}

/// Host, process and number: for people who look at a queue.
fn worker_name(number: usize) -> String {
    let host = hostname();
    format!("{host}:{}:{number}", std::process::id())
}

#[cfg(unix)]
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn hostname() -> String {
    "host".into()
}
