//! How long it takes to render the text of a full sync, and of the change that adds a Service.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::layout::{Action, Iptables, Ipvs, Layout, Nftables, iptables, nftables};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{Mix, Way};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

fn render(criterion: &mut Criterion) {
    let iptables = |version| Iptables::new(version, &ProxyConfig::default());
    let iptables = [iptables::Version::V1_20, iptables::Version::V1_30, iptables::Version::V1_36].map(iptables);
    let nftables = |version| Nftables { version, ..Nftables::default() };
    let nftables = [nftables::Version::V1_30, nftables::Version::V1_36, nftables::Version::V1_37].map(nftables);
    let layouts: [(&str, &dyn Layout); 9] = [
        ("iptables-1.20", &iptables[0]),
        ("iptables-1.30", &iptables[1]),
        ("iptables-1.36", &iptables[2]),
        ("nftables-1.30", &nftables[0]),
        ("nftables-1.36", &nftables[1]),
        ("nftables-1.37", &nftables[2]),
        ("ipvs", &Ipvs::default()),
        ("ipvs-batched", &Ipvs { way: Way::Batched, ..Ipvs::default() }),
        ("ipvs-ipvsadm", &Ipvs { way: Way::Ipvsadm, ..Ipvs::default() }),
    ];
    let uniform = [(1_000, 2), (20_000, 2), (50_000, 2), (50_000, 8)].map(|(many, few)| (many, few, Mix::Uniform));
    for (services, endpoints, mix) in uniform.into_iter().chain([(20_000, 5, Mix::Mixed)]) {
        let plan = AddressPlan::new(endpoints).of(mix);
        let cluster = Arc::new(Cluster::generate(services, &plan));
        let size = format!("{mix}-{services}x{endpoints}");

        let mut group = criterion.benchmark_group("full_sync");
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
        for (name, layout) in layouts {
            group.throughput(Throughput::Bytes(
                layout.full_sync(&cluster).iter().filter_map(Action::call).map(|call| call.stdin.len() as u64).sum(),
            ));
            let id = BenchmarkId::new(name, &size);
            group.bench_function(id, |bencher| bencher.iter_with_large_drop(|| layout.full_sync(black_box(&cluster))));
        }
        group.finish();

        let mut group = criterion.benchmark_group("partial_sync");
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        let change = Change::adding(&cluster, &plan);
        for (name, layout) in layouts {
            let id = BenchmarkId::new(name, &size);
            group.bench_function(id, |bencher| bencher.iter(|| layout.partial_sync(black_box(&change))));
        }
        group.finish();
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
