//! The engine's own words, as far as they are needed.
//!
//! Deliberately our own types and few fields. bollard's `Task` has no `NetworksAttachments`, the
//! one field that everything here depends on; its enums refuse a whole list because of one new
//! word in it; and most of a task is specification that need not be parsed four times a second.
//! Every field may be absent or null, unknown ones are skipped.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Go writes `null` for an empty slice or map.
fn lenient<'de, D, T>(source: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(source).map(Option::unwrap_or_default)
}

/// Declares structs whose fields are all optional in JSON.
macro_rules! words {
    ($($(#[$about:meta])* struct $name:ident {
        $($(#[$doc:meta])* $field:ident : $kind:ty = $key:literal,)*
    })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$doc])* #[serde(rename = $key, deserialize_with = "lenient")] pub $field: $kind,)*
        }
    )*};
}

words! {
    /// `GET /version`
    struct Version {
        release: String = "Version",
        api: String = "ApiVersion",
        /// Empty before Engine 1.13.
        least_api: String = "MinAPIVersion",
    }

    /// An element of `GET /services`.
    struct Service {
        id: String = "ID",
        version: ObjectVersion = "Version",
        spec: ServiceSpec = "Spec",
        /// What its last update replaced.
        previous: ServiceSpec = "PreviousSpec",
        endpoint: Endpoint = "Endpoint",
    }
    struct ObjectVersion {
        /// Grows with each change of the object.
        index: u64 = "Index",
    }
    struct ServiceSpec {
        name: String = "Name",
        labels: BTreeMap<String, String> = "Labels",
        task: TaskTemplate = "TaskTemplate",
    }
    struct TaskTemplate {
        container: ContainerTemplate = "ContainerSpec",
    }
    struct ContainerTemplate {
        /// Of the containers, not of the service: a stack file's `labels` outside of `deploy`.
        labels: BTreeMap<String, String> = "Labels",
        privileges: Privileges = "Privileges",
    }
    struct Privileges {
        seccomp: Seccomp = "Seccomp",
    }
    struct Seccomp {
        /// `default`, `unconfined`, `custom`; from API 1.44 on.
        mode: String = "Mode",
    }
    struct Endpoint {
        virtual_addresses: Vec<VirtualAddress> = "VirtualIPs",
    }
    struct VirtualAddress {
        network_id: String = "NetworkID",
        /// With its prefix length: `10.0.1.2/24`.
        address: String = "Addr",
    }

    /// An element of `GET /tasks`.
    struct Task {
        id: String = "ID",
        service_id: String = "ServiceID",
        /// Counts from 1; 0 (absent) for tasks of a global service.
        slot: u64 = "Slot",
        spec: TaskSpec = "Spec",
        status: TaskStatus = "Status",
        desired_state: String = "DesiredState",
        attachments: Vec<Attachment> = "NetworksAttachments",
    }
    struct TaskSpec {
        container: ContainerSpec = "ContainerSpec",
    }
    struct ContainerSpec {
        /// Time between the stop signal and the kill; 0 (absent) means the engine's default.
        stop_grace_nanoseconds: u64 = "StopGracePeriod",
    }
    struct TaskStatus {
        state: String = "State",
        container: ContainerStatus = "ContainerStatus",
    }
    struct ContainerStatus {
        id: String = "ContainerID",
    }
    struct Attachment {
        network: AttachedNetwork = "Network",
        /// With their prefix lengths: `10.0.1.5/24`.
        addresses: Vec<String> = "Addresses",
    }
    struct AttachedNetwork {
        id: String = "ID",
        spec: NetworkSpec = "Spec",
    }
    struct NetworkSpec {
        name: String = "Name",
        ingress: bool = "Ingress",
    }

    /// An element of `GET /networks`.
    struct Network {
        id: String = "Id",
        name: String = "Name",
        /// The network of the routing mesh.
        ingress: bool = "Ingress",
    }

    /// An element of `GET /containers/json`.
    struct Container {
        id: String = "Id",
        /// The first is its own (`/web-1`), others come from links.
        names: Vec<String> = "Names",
        labels: BTreeMap<String, String> = "Labels",
        state: String = "State",
        /// `Up 3 seconds (healthy)`: older engines tell the health nowhere else in a list.
        status: String = "Status",
        ports: Vec<Port> = "Ports",
        host: HostConfig = "HostConfig",
        settings: NetworkSettings = "NetworkSettings",
    }
    struct Port {
        private: u16 = "PrivatePort",
        kind: String = "Type",
    }
    struct HostConfig {
        network_mode: String = "NetworkMode",
    }
    struct NetworkSettings {
        networks: BTreeMap<String, EndpointSettings> = "Networks",
    }
    struct EndpointSettings {
        address: String = "IPAddress",
        address_v6: String = "GlobalIPv6Address",
    }
}

impl Service {
    /// Its last update took the seccomp mode away that lets its containers use io_uring: a stack
    /// file cannot say it, so each `docker stack deploy` drops it.
    pub fn has_lost_io_uring(&self) -> bool {
        let mode = |spec: &ServiceSpec| spec.task.container.privileges.seccomp.mode == "unconfined";
        mode(&self.previous) && !mode(&self.spec)
    }
}

/// Something happened to a thing that the engine looks after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `service`, `node`, `network`, `container`.
    pub kind: String,
    /// `create`, `update`, `start`, `kill`, `die`, …
    pub action: String,
    /// Which one.
    pub id: String,
    /// Its labels and the details of the action.
    pub attributes: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_absent_and_null_are_all_fine() {
        let text = r#"[{"ID":"t1","New":{"a":[1]},"Slot":null,"Status":{"State":"hibernating",
            "ContainerStatus":null},"NetworksAttachments":null,"Spec":{"Mode":7}}, {}]"#;
        let tasks: Vec<Task> = serde_json::from_str(text).unwrap();
        assert_eq!(tasks[0].id, "t1");
        assert_eq!(tasks[0].status.state, "hibernating");
        assert_eq!(tasks[1], Task::default());
    }

    #[test]
    fn a_stack_file_takes_io_uring_away() {
        let spec = |mode: &str| {
            format!(
                r#"{{"TaskTemplate":{{"ContainerSpec":{{"Privileges":{{"Seccomp":{mode}}}}}}}}}"#
            )
        };
        let lost = |now: &str, before: &str| {
            let text = format!(r#"{{"Spec":{},"PreviousSpec":{}}}"#, spec(now), spec(before));
            serde_json::from_str::<Service>(&text).unwrap().has_lost_io_uring()
        };
        let unconfined = r#"{"Mode":"unconfined"}"#;
        assert!(lost("null", unconfined));
        assert!(!lost(unconfined, unconfined));
        assert!(!lost(unconfined, "null"));
        assert!(!Service::default().has_lost_io_uring());
    }
}
