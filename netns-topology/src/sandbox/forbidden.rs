//! Why the kernel refuses namespaces, and what the user can do about it.

use nix::errno::Errno;
use std::fmt;
use std::fs;

/// A step on the way into the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Asking at all.
    Try,
    /// Making the user namespace.
    UnshareUser,
    /// Making the other namespaces.
    Unshare,
    /// Becoming root in the user namespace.
    MapIds,
    /// Mounting in the mount namespace.
    Mount,
    /// Opening a sysctl of the network namespace.
    Sysctl,
}

impl Step {
    pub(super) const ALL: [Self; 6] =
        [Self::Try, Self::UnshareUser, Self::Unshare, Self::MapIds, Self::Mount, Self::Sysctl];

    /// The refusal of this step with an error number.
    pub(super) fn refusal(self) -> impl Fn(Errno) -> Refusal {
        move |errno| Refusal { step: self, errno }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Try => "trying it in a child process",
            Self::UnshareUser => "making a user namespace",
            Self::Unshare => "making mount, network and PID namespaces",
            Self::MapIds => "becoming root in a user namespace",
            Self::Mount => "mounting in a mount namespace",
            Self::Sysctl => "opening a sysctl in a network namespace",
        }
    }
}

/// A step that the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) step: Step,
    pub(super) errno: Errno,
}

/// The kernel does not let this user make namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// What forbids it, as far as can be told.
    pub cause: Cause,
    refusal: Refusal,
}

/// What forbids namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1: Ubuntu's default since 24.04.
    AppArmor,
    /// `kernel.unprivileged_userns_clone` is 0: Debian's default before 11.
    UsernsClone,
    /// A limit on the number of namespaces, `user.max_user_namespaces` or a sister of it, is 0.
    Limit(&'static str),
    /// A system call filter, as container runtimes install.
    Seccomp,
    /// A /proc/sys that a container runtime has made read-only, also for a user namespace in the container.
    ReadOnlySysctls,
    /// None of the known ones.
    Unknown,
}

/// Limits that make `unshare` fail with ENOSPC.
const LIMITS: [&str; 4] = ["max_user_namespaces", "max_mnt_namespaces", "max_net_namespaces", "max_pid_namespaces"];

impl Forbidden {
    /// Looks for the setting behind `refusal`.
    pub(super) fn diagnose(refusal: Refusal) -> Self {
        let setting = |path: &str| fs::read_to_string(format!("/proc/sys/{path}")).ok();
        let filtered = fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("Seccomp:\t2"));
        Self { cause: cause(refusal, setting, filtered), refusal }
    }

    /// What the kernel refused, and as far as can be told because of what.
    #[must_use]
    pub fn why(&self) -> String {
        let Refusal { step, errno } = self.refusal;
        let because = match &self.cause {
            Cause::AppArmor => ", because kernel.apparmor_restrict_unprivileged_userns is 1".to_owned(),
            Cause::UsernsClone => ", because kernel.unprivileged_userns_clone is 0".to_owned(),
            Cause::Limit(limit) => format!(", because user.{limit} is 0"),
            Cause::Seccomp => ", probably because of the container's system call filter".to_owned(),
            Cause::ReadOnlySysctls => ", because /proc/sys is read-only".to_owned(),
            Cause::Unknown => String::new(),
        };
        format!("private namespaces are forbidden here: {} gave {errno:?} ({}){because}", step.name(), errno.desc())
    }

    /// What to run, or to change, so that it works.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.cause {
            Cause::AppArmor => {
                "run as root, or allow it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0".to_owned()
            }
            Cause::UsernsClone => "run as root, or allow it: sudo sysctl kernel.unprivileged_userns_clone=1".to_owned(),
            Cause::Limit("max_user_namespaces") => {
                "run as root, or allow it: sudo sysctl user.max_user_namespaces=10000".to_owned()
            }
            Cause::Limit(limit) => format!("allow it: sudo sysctl user.{limit}=10000"),
            Cause::Seccomp => {
                "in a container, start it with: --privileged, or with: --security-opt seccomp=unconfined \
                --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
                    .to_owned()
            }
            Cause::ReadOnlySysctls => {
                "in a container, start it with: --security-opt systempaths=unconfined, or with: --privileged".to_owned()
            }
            Cause::Unknown => "run as root, outside any container or chroot".to_owned(),
        }
    }
}

/// The cause of `refusal`, given the sysctls by path and whether a system call filter is in force.
fn cause(refusal: Refusal, setting: impl Fn(&str) -> Option<String>, filtered: bool) -> Cause {
    let is = |path: &str, value: &str| setting(path).is_some_and(|text| text.trim() == value);
    let limit = LIMITS.into_iter().find(|limit| is(&format!("user/{limit}"), "0"));
    match (refusal.errno, limit) {
        (Errno::ENOSPC, Some(limit)) => Cause::Limit(limit),
        (Errno::EROFS, _) if refusal.step == Step::Sysctl => Cause::ReadOnlySysctls,
        (Errno::EPERM | Errno::EACCES, _) => {
            if is("kernel/unprivileged_userns_clone", "0") && refusal.step == Step::UnshareUser {
                Cause::UsernsClone
            } else if is("kernel/apparmor_restrict_unprivileged_userns", "1") && !filtered {
                Cause::AppArmor
            } else if filtered {
                Cause::Seccomp
            } else {
                Cause::Unknown
            }
        }
        _ => Cause::Unknown,
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.why(), self.remedy())
    }
}

impl std::error::Error for Forbidden {}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnose(step: Step, errno: Errno, settings: &[(&str, &str)], filtered: bool) -> Forbidden {
        let refusal = step.refusal()(errno);
        let setting =
            |path: &str| settings.iter().find(|(known, _)| *known == path).map(|(_, value)| format!("{value}\n"));
        Forbidden { cause: cause(refusal, setting, filtered), refusal }
    }

    #[test]
    fn ubuntu_s_restriction_is_recognised_by_what_fails_after_the_user_namespace_was_made() {
        let settings = [("kernel/apparmor_restrict_unprivileged_userns", "1"), ("user/max_user_namespaces", "96365")];
        for step in [Step::UnshareUser, Step::MapIds, Step::Unshare, Step::Mount] {
            assert_eq!(diagnose(step, Errno::EPERM, &settings, false).cause, Cause::AppArmor);
        }
    }

    #[test]
    fn debian_s_switch_is_named_with_its_remedy() {
        let forbidden = diagnose(Step::UnshareUser, Errno::EPERM, &[("kernel/unprivileged_userns_clone", "0")], false);
        assert_eq!(
            forbidden.to_string(),
            "private namespaces are forbidden here: making a user namespace gave EPERM (Operation not permitted), \
             because kernel.unprivileged_userns_clone is 0; \
             run as root, or allow it: sudo sysctl kernel.unprivileged_userns_clone=1"
        );
    }

    #[test]
    fn a_limit_of_zero_is_named() {
        let forbidden = diagnose(Step::UnshareUser, Errno::ENOSPC, &[("user/max_user_namespaces", "0")], false);
        assert_eq!(forbidden.cause, Cause::Limit("max_user_namespaces"));
        let forbidden = diagnose(Step::Unshare, Errno::ENOSPC, &[("user/max_net_namespaces", "0")], false);
        assert_eq!(forbidden.cause, Cause::Limit("max_net_namespaces"));
    }

    #[test]
    fn in_a_container_the_filter_is_suspected_and_otherwise_nothing() {
        assert_eq!(diagnose(Step::UnshareUser, Errno::EPERM, &[], true).cause, Cause::Seccomp);
        assert_eq!(diagnose(Step::Sysctl, Errno::EROFS, &[], true).cause, Cause::ReadOnlySysctls);
        assert_eq!(diagnose(Step::UnshareUser, Errno::EPERM, &[], false).cause, Cause::Unknown);
        assert_eq!(diagnose(Step::UnshareUser, Errno::EINVAL, &[], false).cause, Cause::Unknown);
    }
}
