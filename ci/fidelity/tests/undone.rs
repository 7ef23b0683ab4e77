//! What a change installs is gone when it is undone, whichever Service of a real cluster it was made to.

use fidelity::{Capture, config};
use lab_core::cell::Source;
use lab_core::change::Change;
use lab_core::cluster::{Base, Cluster, Repeated};
use lab_core::layout::nftables::Version;
use lab_core::layout::{Action, Layout, Nftables, Tool};
use ruleset::nft::Ruleset;
use std::sync::Arc;

fn apply(ruleset: &mut Ruleset, actions: &[Action]) {
    let scripts =
        actions.iter().filter_map(Action::call).filter(|call| call.tool == Tool::Nft && !call.stdin.is_empty());
    for call in scripts.filter(|call| !call.args.iter().any(|word| word == "--check")) {
        let text = std::str::from_utf8(&call.stdin).unwrap();
        // What is deleted and is not there is no fault: kube-proxy only tries.
        if let Err(error) = ruleset.apply(text) {
            assert!(text.starts_with("delete table"), "{error}: {text}");
        }
    }
}

#[test]
fn nothing_of_a_change_is_left_when_it_is_undone() {
    let source = Source::Imported { name: "mix-50".to_owned().into(), digest: String::new().into() };
    let whole = &Capture::of("1.36.3", "nftables", "mix-50").states()[0];
    let base = Base::of(whole, None, source).unwrap();
    for version in [Version::V1_30, Version::V1_36, Version::V1_37] {
        let layout = Nftables::new(version, &config());
        for first in 0..base.services.len() {
            let mut services = base.services.clone();
            services.rotate_left(first);
            let supply = Repeated::of(Arc::new(Base { services, ..base.clone() }));
            let cluster = Arc::new(Cluster::generate(base.count(), &supply));
            let mut ruleset = Ruleset::default();
            apply(&mut ruleset, &layout.prepare());
            apply(&mut ruleset, &layout.full_sync(&cluster));
            let before = ruleset.clone();
            let middle = &cluster.services[cluster.middle().unwrap()].name;
            let (replacing, removing) = (Change::replacing_endpoint(&cluster, &supply), Change::removing(&cluster));
            for (name, change) in [("replacing", replacing), ("removing", removing)] {
                for change in [change.clone(), change.undone()] {
                    apply(&mut ruleset, &layout.partial_sync(&change));
                    apply(&mut ruleset, &layout.cleanup(&change));
                }
                for (family, table) in &before.tables {
                    for (set, elements) in &table.sets {
                        let after = &ruleset.tables[family].sets[set];
                        assert_eq!(elements, after, "{version:?} {name} {middle} {family} {set}");
                    }
                }
                assert_eq!(before, ruleset, "{version:?} {name} {middle}");
            }
        }
    }
}
