//! An engine that exists in memory only, for tests.

use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::words::{Container, Event, Network, Service, Task};
use super::{ApiVersion, Engine, EngineVersion, Tasks, Trouble};

/// What there is behind the fake; a test changes it while the fake is in use.
#[derive(Default)]
pub struct World {
    pub services: Vec<Service>,
    pub networks: Vec<Network>,
    pub tasks: Vec<Task>,
    pub containers: Vec<Container>,
    /// Every call fails with it while it is there.
    pub trouble: Option<Trouble>,
    /// This call is forbidden, as by a proxy before the socket.
    pub forbidden: Option<&'static str>,
    /// Names of the calls made, in order.
    pub calls: Vec<&'static str>,
    listeners: Vec<UnboundedSender<Result<Event, Trouble>>>,
}

impl World {
    pub fn emit(&mut self, kind: &str, action: &str, attributes: &[(&str, &str)]) {
        let event = Event {
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: "c1".to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        self.listeners.retain(|listener| listener.send(Ok(event.clone())).is_ok());
    }

    /// Ends every event stream.
    pub fn hang_up(&mut self) {
        self.listeners.clear();
    }

    pub fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|made| **made == call).count()
    }
}

/// A handle to a [`World`]; clones look at the same one.
#[derive(Clone, Default)]
pub struct FakeEngine(Arc<Mutex<World>>);

impl FakeEngine {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn ask(&self, call: &'static str) -> Result<MutexGuard<'_, World>, Trouble> {
        let mut world = self.world();
        world.calls.push(call);
        if world.forbidden == Some(call) {
            return Err(Trouble::Status { status: 403, message: "Forbidden".to_owned() });
        }
        match &world.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(world),
        }
    }
}

impl Engine for FakeEngine {
    async fn negotiate(&mut self) -> Result<EngineVersion, Trouble> {
        drop(self.ask("version")?);
        Ok(EngineVersion { release: "29.0.0".to_owned(), api: ApiVersion::NEWEST })
    }

    async fn services(&self) -> Result<Vec<Service>, Trouble> {
        Ok(self.ask("services")?.services.clone())
    }

    async fn tasks(&self, which: Tasks<'_>) -> Result<Vec<Task>, Trouble> {
        let world = match which {
            Tasks::All => self.ask("tasks all"),
            Tasks::Wanted => self.ask("tasks wanted"),
            Tasks::Ids(_) => self.ask("tasks by id"),
        }?;
        let asked = |task: &&Task| match which {
            Tasks::All => true,
            Tasks::Wanted => task.desired_state == "running",
            Tasks::Ids(ids) => ids.contains(&task.id),
        };
        Ok(world.tasks.iter().filter(asked).cloned().collect())
    }

    async fn networks(&self) -> Result<Vec<Network>, Trouble> {
        Ok(self.ask("networks")?.networks.clone())
    }

    async fn containers(&self, id: Option<&str>) -> Result<Vec<Container>, Trouble> {
        let world = self.ask("containers")?;
        let asked = |container: &&Container| id.is_none_or(|id| container.id.starts_with(id));
        Ok(world.containers.iter().filter(asked).cloned().collect())
    }

    fn events(&self) -> LocalBoxStream<'static, Result<Event, Trouble>> {
        let (sender, receiver) = unbounded_channel();
        match self.ask("events") {
            Ok(mut world) => world.listeners.push(sender),
            Err(trouble) => drop(sender.send(Err(trouble))),
        }
        futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })
        .boxed_local()
    }
}

/// A swarm with one service, `app`, on one network, `net`.
pub fn swarm() -> FakeEngine {
    let engine = FakeEngine::default();
    let mut world = engine.world();
    world.services = read(r#"[{"ID":"s1","Spec":{"Name":"app","Labels":{"traefik.port":"80"}}}]"#);
    world.networks = read(r#"[{"Id":"n1","Name":"net"}]"#);
    drop(world);
    engine
}

/// A task of that service, its slot the last number of its address.
pub fn task(id: &str, slot: u8, state: &str, desired: &str) -> Task {
    read(&format!(
        r#"{{"ID":"{id}","ServiceID":"s1","Slot":{slot},"Status":{{"State":"{state}"}},
          "DesiredState":"{desired}","NetworksAttachments":[
          {{"Network":{{"ID":"n1","Spec":{{"Name":"net"}}}},"Addresses":["127.0.0.{slot}/8"]}}]}}"#
    ))
}

/// Reads JSON as the engine would write it.
pub fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}
