//! One cluster in every form that people have of it, and the clusters behind questions that engineers asked in public.

use kube_dump::{Dump, Input, Origin};
use lab_core::cluster::{Cluster, Family};

fn input(name: &str) -> Input {
    let path = format!("{}/tests/questions/{name}", env!("CARGO_MANIFEST_DIR"));
    Input::named(name, std::fs::read(path).unwrap())
}

fn read(names: &[&str]) -> Dump {
    let inputs: Vec<Input> = names.iter().map(|name| input(name)).collect();
    Dump::read(&inputs).unwrap()
}

fn notes(dump: &Dump) -> Vec<String> {
    dump.notes.iter().map(ToString::to_string).collect()
}

/// What kube-proxy sends to each port, of both families.
fn ports(cluster: &Cluster) -> Vec<String> {
    let all = Family::ALL.into_iter().flat_map(|family| cluster.ports(family));
    all.map(|port| {
        let endpoints: Vec<String> = port.endpoints().map(|endpoint| endpoint.socket().to_string()).collect();
        format!("{port} {} -> {}", port.socket(), endpoints.join(" "))
    })
    .collect()
}

#[test]
fn a_cluster_is_the_same_in_every_form() {
    let forms: [&[&str]; 4] = [&["a-array.json"], &["a-cat.json"], &["a.yaml"], &["a-services.json", "a-slices.json"]];
    let expected = [
        "kube-system/kube-dns:dns 10.43.0.10:53 -> 10.42.0.7:53",
        "kube-system/kube-dns:dns-tcp 10.43.0.10:53 -> 10.42.0.7:53",
        "kube-system/kube-dns:metrics 10.43.0.10:9153 -> 10.42.0.7:9153",
        "default/web:http 10.43.7.7:80 -> 10.42.0.8:8080 10.42.1.9:8080",
    ];
    let first = read(forms[0]);
    for form in forms {
        let dump = read(form);
        assert_eq!((dump.cluster.services.len(), dump.slices), (2, 2), "{form:?}");
        assert_eq!(ports(&dump.cluster), expected, "{form:?}");
        assert_eq!(notes(&dump), [""; 0], "{form:?}");
        assert_eq!(dump.cluster, first.cluster, "{form:?}");
    }
}

#[test]
fn documents_may_stand_one_after_the_other_in_yaml_and_in_json() {
    let (services, slices) = (input("a-services.json"), input("a-slices.json"));
    let text = |input: &Input| String::from_utf8(input.bytes.clone()).unwrap();
    let separated = format!("---\n{}\n---\n{}\n---\n", text(&services), text(&slices));
    // A single object a document, as helm and kustomize print them.
    let list = text(&input("a.yaml"));
    let (_, items) = list.split_once("items:\n").unwrap();
    let singles = items.replace("\n- ", "\n---\n  ").replacen("- ", "  ", 1).replace("kind: List", "");
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(list.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xef, 0xbb, 0xbf], list.as_bytes()].concat();
    let expected = read(&["a.yaml"]).cluster;
    for bytes in [separated.into_bytes(), singles.into_bytes(), utf16, marked] {
        let dump = Dump::read(&[Input::named("dump", bytes.clone())]);
        assert_eq!(dump.map(|dump| dump.cluster), Ok(expected.clone()), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn objects_without_a_kind_are_known_by_what_they_have() {
    let text = String::from_utf8(input("a-array.json").bytes).unwrap();
    let without: Vec<&str> =
        text.lines().filter(|line| !line.contains("\"kind\"") && !line.contains("apiVersion")).collect();
    let dump = Dump::read(&[Input::named("services/default.json", without.join("\n"))]).unwrap();
    assert_eq!(dump.cluster, read(&["a-array.json"]).cluster);
}

#[test]
fn services_alone_are_said_to_have_no_endpoint_slices() {
    let dump = read(&["a-services.json"]);
    assert_eq!((dump.cluster.services.len(), dump.spread(), dump.ports().count()), (2, None, 4));
    let [note] = &notes(&dump)[..] else { panic!("{:?}", dump.notes) };
    assert!(note.starts_with("a-services.json: no EndpointSlices in it: how many endpoints"), "{note}");
}

#[test]
fn endpoints_objects_stand_in_for_slices_of_a_service_without_any() {
    let dump = read(&["a-endpoints.json"]);
    assert_eq!((dump.slices, dump.endpoints), (0, 1));
    assert_eq!(ports(&dump.cluster)[3], "default/web:http 10.43.7.7:80 -> 10.42.0.8:8080 10.42.1.9:8080");
    assert_eq!(
        notes(&dump),
        ["Service kube-system/kube-dns: no EndpointSlices of it, so that it has no endpoints here"]
    );
    assert_eq!(dump.spread().unwrap().total, 2);
    // Where there are slices, these count.
    let both = read(&["a-endpoints.json", "a-slices.json"]);
    assert_eq!((both.cluster, both.endpoints), (read(&["a.yaml"]).cluster, 0));
}

#[test]
fn slices_of_v1beta1_say_their_nodes_in_another_field() {
    let slices = String::from_utf8(input("a-slices.json").bytes).unwrap();
    let old = slices
        .replace("discovery.k8s.io/v1", "discovery.k8s.io/v1beta1")
        .replace("\"nodeName\": \"n1\"", "\"topology\": {\"kubernetes.io/hostname\": \"n1\"}");
    assert_ne!(old, slices);
    let dump = Dump::read(&[input("a-services.json"), Input::named("old.json", old)]).unwrap();
    assert_eq!(dump.cluster, read(&["a.yaml"]).cluster);
    assert_eq!(notes(&dump), [""; 0]);
}

#[test]
fn both_families_and_ipv6_alone_are_programmed() {
    let dual = read(&["dual.json"]);
    assert_eq!(
        ports(&dual.cluster),
        [
            "d/dual:http 10.96.3.1:80 -> 10.0.0.3:80 10.0.0.4:80",
            "d/dual:http [fd00::1]:80 -> [fd01::3]:80 [fd01::4]:80",
        ]
    );
    let six = read(&["v6only.json"]);
    assert_eq!(ports(&six.cluster), ["d/six:http [fd00::2]:80 -> [fd01::3]:80"]);
    assert_eq!((six.family(), six.ports().count(), six.spread().unwrap().total), (Family::V6, 1, 1));
    assert_eq!(notes(&dual).len() + notes(&six).len(), 0);
}

#[test]
fn a_terminating_endpoint_that_serves_is_used_while_no_other_is_ready() {
    let dump = read(&["term.json"]);
    assert_eq!(ports(&dump.cluster), ["d/t:http 10.96.3.4:80 -> 10.0.0.6:80"]);
    assert_eq!(notes(&dump), [""; 0]);
    let text = String::from_utf8(input("term.json").bytes).unwrap();
    let ready = r#"{"addresses": ["10.0.0.7"], "conditions": {"ready": true}}, {"addresses": ["10.0.0.6"]"#;
    let text = text.replace(r#"{"addresses": ["10.0.0.6"]"#, ready);
    let dump = Dump::read(&[Input::named("term.json", text)]).unwrap();
    assert_eq!(ports(&dump.cluster), ["d/t:http 10.96.3.4:80 -> 10.0.0.7:80"]);
}

#[test]
fn a_slice_of_no_service_and_an_address_of_two_are_said_by_object() {
    assert_eq!(
        notes(&read(&["dangling.json"])),
        [
            "Service d/a: no EndpointSlices of it, so that it has no endpoints here",
            "EndpointSlice d/gone-a: there is no Service d/gone; it is left out",
        ]
    );
    let twice = notes(&read(&["dupip.json"]));
    assert_eq!(twice[1], "Service d/b: cluster IP 10.96.3.3 is Service d/a's, too; only one can have it");
    assert!(twice[0].starts_with("dupip.json: no EndpointSlices in it"), "{twice:?}");
}

#[test]
fn long_names_are_read_as_they_are() {
    let dump = read(&["long-names.json"]);
    assert_eq!((dump.ports().count(), notes(&dump).len()), (1, 0));
}

#[test]
fn what_is_no_document_of_kubernetes_in_a_folder_is_passed_over_and_counted() {
    let found = |name: &str, text: &str| Input { origin: Origin::Found, ..Input::named(name, text) };
    let dump = Dump::read(&[
        input("a.yaml"),
        found("bundle/values.yaml", "just: [a, value"),
        found("bundle/version.json", "{\"gitVersion\": \"v1.36.0\"}"),
        found("bundle/cut.json", "{\"kind\": \"ServiceList\", \"items\": [\n{"),
        found("bundle/empty.json", ""),
    ])
    .unwrap();
    assert_eq!(dump.cluster, read(&["a.yaml"]).cluster);
    assert_eq!(notes(&dump), ["bundle/cut.json: it is cut off in line 2; what comes before that is read"]);
    assert_eq!(dump.unread, 2);
    assert_eq!(dump.passed_over["something of no kind"], 1);
}

#[test]
fn a_hundred_thousand_endpoints_of_one_service_are_read() {
    let endpoints: Vec<String> = (0..100_000_u32)
        .map(|place| format!(r#"{{"addresses":["10.{}.{}.{}"]}}"#, place >> 16, place >> 8 & 0xff, place & 0xff))
        .collect();
    let text = format!(
        r#"{{"kind":"Service","metadata":{{"name":"web"}},"spec":{{"clusterIP":"10.96.0.1","ports":[{{"port":80}}]}}}}
        {{"kind":"EndpointSlice","metadata":{{"name":"web-a","labels":{{"kubernetes.io/service-name":"web"}}}},
        "addressType":"IPv4","ports":[{{"port":80}}],"endpoints":[{}]}}"#,
        endpoints.join(",")
    );
    let dump = Dump::read(&[Input::named("large.json", text)]).unwrap();
    assert_eq!((dump.spread().unwrap().max, notes(&dump).len()), (100_000, 0));
}
