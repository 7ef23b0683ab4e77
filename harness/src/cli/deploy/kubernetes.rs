//! An Indexed Job of Kubernetes, and the volume claim for its runs.

use super::{GUESTS, Work};
use crate::process::exit::Exit;
use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EnvVar, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements,
    SeccompProfile, SecurityContext, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

/// Where the claim is mounted: runs and the cache of kernels are there.
const DATA: &str = "/data";
/// The user of the image.
const USER: i64 = 1000;
const CONTAINER: &str = "shard";
/// How often a shard is started again before it counts as failed. It goes on where it was.
const TRIES: i32 = 5;

/// The claim and the Job. Pods need no privileges: guests are emulated.
pub(super) fn manifest(work: &Work, image: &str, claim: &str) -> Result<String> {
    let yaml = |text: Result<String, serde_saphyr::ser::Error>| text.context("writing the manifest");
    let (claim, job) =
        (yaml(serde_saphyr::to_string(&volume(claim)))?, yaml(serde_saphyr::to_string(&job(work, image, claim)))?);
    let (runs, scenario) = (work.runs(), &work.scenario);
    Ok(format!(
        "# When the Job is complete, in a pod with the claim: svclab merge {runs} --out runs/{scenario}\n\
         {}\n---\n{}\n",
        claim.trim_end(),
        job.trim_end()
    ))
}

fn meta(name: String) -> ObjectMeta {
    let labels = BTreeMap::from([("app.kubernetes.io/name".to_owned(), "svclab".to_owned())]);
    ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() }
}

fn quantities(of: &[(&str, String)]) -> Option<BTreeMap<String, Quantity>> {
    Some(of.iter().map(|(name, amount)| ((*name).to_owned(), Quantity(amount.clone()))).collect())
}

/// Every pod writes into a folder of its own.
fn volume(claim: &str) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: meta(claim.to_owned()),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteMany".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: quantities(&[("storage", "10Gi".to_owned())]),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn job(work: &Work, image: &str, claim: &str) -> Job {
    let shards = i32::try_from(work.shards).unwrap_or(i32::MAX);
    let pod = PodSpec {
        // Each try is a pod of its own, as a limit a shard asks for.
        restart_policy: Some("Never".to_owned()),
        automount_service_account_token: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(work, image)],
        volumes: Some(vec![Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.to_owned(),
                ..PersistentVolumeClaimVolumeSource::default()
            }),
            ..Volume::default()
        }]),
        ..PodSpec::default()
    };
    Job {
        metadata: meta(format!("svclab-{}", work.name)),
        spec: Some(JobSpec {
            completion_mode: Some("Indexed".to_owned()),
            completions: Some(shards),
            parallelism: Some(shards),
            backoff_limit_per_index: Some(TRIES),
            pod_failure_policy: Some(PodFailurePolicy { rules: vec![taken_away(), final_exits()] }),
            template: PodTemplateSpec { spec: Some(pod), ..PodTemplateSpec::default() },
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}

/// A pod that was taken away, by a pre-emption or with its node, is no try.
fn taken_away() -> PodFailurePolicyRule {
    let disrupted = PodFailurePolicyOnPodConditionsPattern {
        status: Some("True".to_owned()),
        type_: "DisruptionTarget".to_owned(),
    };
    PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_pod_conditions: Some(vec![disrupted]),
        ..PodFailurePolicyRule::default()
    }
}

/// Exits after which another try comes out the same: a wrong command line, what the machine lacks, failed cells.
fn final_exits() -> PodFailurePolicyRule {
    let values = [Exit::Usage, Exit::CannotRun, Exit::SomeFailed].map(|exit| exit as i32);
    let exits = PodFailurePolicyOnExitCodesRequirement {
        container_name: Some(CONTAINER.to_owned()),
        operator: "In".to_owned(),
        values: values.to_vec(),
    };
    PodFailurePolicyRule {
        action: "FailIndex".to_owned(),
        on_exit_codes: Some(exits),
        ..PodFailurePolicyRule::default()
    }
}

fn container(work: &Work, image: &str) -> Container {
    let memory = format!("{}Mi", work.memory);
    Container {
        name: CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        command: Some(vec!["svclab".to_owned()]),
        args: Some([work.options(), vec![format!("auto/{}", work.shards)]].concat()),
        working_dir: Some(DATA.to_owned()),
        env: Some(vec![EnvVar { name: "HOME".to_owned(), value: Some(DATA.to_owned()), ..EnvVar::default() }]),
        resources: Some(ResourceRequirements {
            requests: quantities(&[("cpu", GUESTS.to_string()), ("memory", memory.clone())]),
            limits: quantities(&[("memory", memory)]),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), ..Capabilities::default() }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: "data".to_owned(),
            mount_path: DATA.to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}
