use super::closure::Finder;
use super::loader::configured;
use super::*;
use crate::tool;
use std::process::Command;

/// One entry of an archive, read without the library that writes it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    mode: u32,
    /// Major and minor.
    device: (u32, u32),
    content: Vec<u8>,
}

/// Reads a newc archive, and checks what is the same in all entries of a reproducible one.
fn read(archive: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        assert_eq!(&archive[at..at + 6], b"070701", "the magic at {at}");
        let field = |index: usize| {
            let from = at + 6 + index * 8;
            u32::from_str_radix(std::str::from_utf8(&archive[from..from + 8]).unwrap(), 16).unwrap()
        };
        let (name_from, name_size, size) = (at + 110, field(11) as usize, field(6) as usize);
        let name = String::from_utf8(archive[name_from..name_from + name_size - 1].to_vec()).unwrap();
        let content_from = (name_from + name_size).next_multiple_of(4);
        if name == "TRAILER!!!" {
            return entries;
        }
        let inode = u32::try_from(entries.len()).unwrap() + 1;
        assert_eq!([field(0), field(2), field(3), field(5), field(7), field(8)], [inode, 0, 0, 0, 0, 0], "{name}");
        let content = archive[content_from..content_from + size].to_vec();
        entries.push(Entry { name, mode: field(1), device: (field(9), field(10)), content });
        at = (content_from + size).next_multiple_of(4);
    }
}

fn find<'a>(entries: &'a [Entry], name: &str) -> &'a Entry {
    entries.iter().find(|entry| entry.name == name).unwrap_or_else(|| panic!("there should be {name}"))
}

fn written(tree: &Initramfs) -> Vec<Entry> {
    read(&tree.write().expect("the tree should be writable").bytes)
}

#[test]
fn what_is_written_can_be_read_back() {
    let mut tree = Initramfs::default();
    tree.file("/a/b/c", 0o755, b"hello".to_vec());
    tree.link("a/see", "b/c");
    tree.device("/dev/console", 5, 1);
    let module = |name: &str, bytes: &[u8]| Module { name: name.to_owned(), bytes: bytes.to_vec() };
    let files = tree.modules(&[module("nf_tables", b"first"), module("nft_ct", b"second")]);
    assert_eq!(files, ["/modules/000-nf_tables.ko", "/modules/001-nft_ct.ko"]);
    let entry = |name: &str, mode, device, content: &[u8]| Entry {
        name: name.to_owned(),
        mode,
        device,
        content: content.to_vec(),
    };
    let expected = [
        entry("a", 0o040_755, (0, 0), b""),
        entry("a/b", 0o040_755, (0, 0), b""),
        entry("a/b/c", 0o100_755, (0, 0), b"hello"),
        entry("a/see", 0o120_777, (0, 0), b"b/c"),
        entry("dev", 0o040_755, (0, 0), b""),
        entry("dev/console", 0o020_600, (5, 1), b""),
        entry("modules", 0o040_755, (0, 0), b""),
        entry("modules/000-nf_tables.ko", 0o100_644, (0, 0), b"first"),
        entry("modules/001-nft_ct.ko", 0o100_644, (0, 0), b"second"),
    ];
    assert_eq!(written(&tree), expected);
}

#[test]
fn the_order_of_insertion_does_not_show() {
    type Add = fn(&mut Initramfs);
    let adding: [Add; 4] = [
        |tree| tree.file("/etc/b", 0o644, b"b".to_vec()),
        |tree| tree.folder("etc"),
        |tree| tree.link("/etc/a", "b"),
        |tree| tree.device("dev/null", 1, 3),
    ];
    let (mut one, mut other) = (Initramfs::default(), Initramfs::default());
    adding.iter().for_each(|add| add(&mut one));
    adding.iter().rev().for_each(|add| add(&mut other));
    let (one, other) = (one.write().unwrap(), other.write().unwrap());
    assert_eq!(one.bytes, other.bytes);
    assert_eq!(one.sha256, other.sha256);
    assert_eq!(one.sha256.len(), 64);
}

#[test]
fn a_file_below_a_link_is_refused_whichever_came_first() {
    let (mut one, mut other) = (Initramfs::default(), Initramfs::default());
    one.link("lib", "usr/lib");
    one.file("lib/libc.so.6", 0o755, Vec::new());
    other.file("lib/libc.so.6", 0o755, Vec::new());
    other.link("lib", "usr/lib");
    for tree in [one, other] {
        let error = tree.write().err().expect("it should be refused").to_string();
        assert!(error.contains("/lib/libc.so.6 under /lib, which is no folder"), "{error}");
    }
}

#[test]
fn a_chain_of_links_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::create_dir_all(folder.join("alternatives")).unwrap();
    fs::write(folder.join("bin/multi"), "x").unwrap();
    fs::set_permissions(folder.join("bin/multi"), fs::Permissions::from_mode(0o4711)).unwrap();
    symlink("multi", folder.join("bin/restore-legacy")).unwrap();
    symlink("../bin/restore-legacy", folder.join("alternatives/restore")).unwrap();
    symlink(folder.join("alternatives/restore"), folder.join("bin/restore")).unwrap();
    symlink("bin", folder.join("sbin")).unwrap();

    let mut tree = Initramfs::default();
    let end = tree.copy(&Root::of_host(), &folder.join("sbin/./restore")).unwrap();
    assert_eq!(end, folder.join("bin/multi"));
    assert_eq!(tree.get(&folder.join("sbin")), Some(&Node::Link("bin".into())));
    assert_eq!(tree.get(&folder.join("bin/restore")), Some(&Node::Link(folder.join("alternatives/restore"))));
    assert_eq!(tree.get(&folder.join("alternatives/restore")), Some(&Node::Link("../bin/restore-legacy".into())));
    assert_eq!(tree.get(&folder.join("bin/restore-legacy")), Some(&Node::Link("multi".into())));
    let file = Node::File { mode: 0o755, bytes: b"x".to_vec() };
    assert_eq!(tree.get(&folder.join("bin/multi")), Some(&file));
}

#[test]
fn links_in_a_circle_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    symlink("b", folder.path().join("a")).unwrap();
    symlink("a", folder.path().join("b")).unwrap();
    let error = Initramfs::default().copy(&Root::of_host(), &folder.path().join("a")).unwrap_err().to_string();
    assert!(error.contains("more than 40 symbolic links"), "{error}");
}

#[test]
fn the_loader_s_configuration_is_read_with_what_it_includes() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("ld.so.conf");
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(&conf, "# first\n/opt/first\ninclude d/*.conf\n/opt/last # the last\n").unwrap();
    fs::write(folder.path().join("d/b.conf"), "/opt/b\n").unwrap();
    fs::write(folder.path().join("d/a.conf"), "\n/opt/a\ninclude ../ld.so.conf\n").unwrap();
    fs::write(folder.path().join("d/c.off"), "/opt/c\n").unwrap();
    assert_eq!(configured(&Root::of_host(), &conf), ["/opt/first", "/opt/a", "/opt/b", "/opt/last"].map(PathBuf::from));
    assert!(configured(&Root::of_host(), &folder.path().join("none")).is_empty());
}

#[test]
fn a_shell_comes_with_its_loader_and_c_library() {
    let mut tree = Initramfs::base();
    tree.program(Path::new("/bin/sh")).expect("/bin/sh should be readable");
    let files: Vec<_> = written(&tree).into_iter().filter(|entry| entry.mode & 0o170_000 == 0o100_000).collect();
    let called = |part: &str| files.iter().any(|entry| entry.name.contains(part));
    for part in ["ld-linux", "libc.so.6", "etc/protocols"] {
        assert!(called(part), "{part} should be there");
    }
}

/// Builds a library or program of one function that does nothing; `None` without a C compiler.
fn build(folder: &Path, output: &str, args: &[&str]) -> Option<()> {
    let source = folder.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let mut compiler = Command::new(tool::find("cc")?);
    let built = compiler.current_dir(folder).arg("-o").arg(output).arg(&source).args(args).status().unwrap();
    assert!(built.success(), "building {output}");
    Some(())
}

#[test]
fn a_library_beside_its_program_is_found_and_made_reachable() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::create_dir(folder.join("deep")).unwrap();
    let deep = ["-shared", "-fPIC", "-Wl,-soname,libsvclab-deep.so.1"];
    let Some(()) = build(&folder, "deep/libsvclab-deep.so.1", &deep) else { return };
    let near =
        ["-shared", "-fPIC", "-Wl,-soname,libsvclab-near.so.1", "-Wl,--no-as-needed", "deep/libsvclab-deep.so.1"];
    build(&folder, "libsvclab-near.so.1", &near);
    let rest = ["-Wl,--no-as-needed", "libsvclab-near.so.1", "-Wl,-rpath-link,deep"];
    // DT_RPATH serves what the libraries need too; DT_RUNPATH, only what the program itself names.
    build(&folder, "rpath", &[&rest[..], &["-Wl,--disable-new-dtags,-rpath,$ORIGIN:${ORIGIN}/deep"]].concat());
    build(&folder, "runpath", &[&rest[..], &["-Wl,--enable-new-dtags,-rpath,$ORIGIN:$ORIGIN/deep"]].concat());

    let mut finder = Finder::new(Root::of_host());
    let closure = finder.closure(&folder.join("rpath")).unwrap();
    let deep = closure.libraries.iter().find(|library| library.name == "libsvclab-deep.so.1");
    assert_eq!(deep.map(|library| &library.path), Some(&folder.join("deep/libsvclab-deep.so.1")));
    let error = format!("{:#}", finder.closure(&folder.join("runpath")).unwrap_err());
    assert!(error.contains("libsvclab-near.so.1: the shared library libsvclab-deep.so.1 is in none of"), "{error}");

    let mut tree = Initramfs::default();
    tree.program(&folder.join("rpath")).unwrap();
    let links = tree.nodes.iter().filter(|(place, _)| place.ends_with("libsvclab-deep.so.1"));
    let alias = links.filter(|(_, node)| **node == Node::Link(folder.join("deep/libsvclab-deep.so.1")));
    assert_eq!(alias.count(), 1);
}

#[test]
fn this_binary_runs_without_its_sections() {
    let own = fs::read("/proc/self/exe").unwrap();
    let size = own.len();
    let small = elf::without_sections(own).unwrap();
    assert!(small.len() < size, "{} of {size} bytes", small.len());
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("small");
    fs::write(&place, small).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    // The test program's own option: it prints the tests' names.
    let output = Command::new(&place).arg("--list").output().expect("it should start");
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("this_binary_runs_without_its_sections"));
}

#[test]
fn the_init_of_a_guest_is_this_binary() {
    let mut tree = Initramfs::base();
    tree.init().unwrap();
    let entries = written(&tree);
    let init = find(&entries, "init");
    assert_eq!(init.mode, 0o100_755);
    let whole = fs::metadata("/proc/self/exe").unwrap().len();
    assert!((init.content.len() as u64) < whole);
}

#[test]
fn what_is_no_program_is_refused() {
    let error = format!("{:#}", Initramfs::default().program(Path::new("/etc/passwd")).unwrap_err());
    assert_eq!(error, "reading /etc/passwd: it is no ELF file");
}

#[test]
fn a_tool_that_is_not_installed_is_named() {
    let missing = Initramfs::default().tools(&["no-such-tool"]).unwrap_err();
    assert_eq!(missing.to_string(), "no-such-tool is not installed; install it with ci/setup");
}

#[test]
fn a_tool_that_is_no_program_is_added_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    fs::write(folder.path().join("bin/nft"), "#!/no/such\n").unwrap();
    let root = Root::at(folder.path().to_owned());
    let mut tree = Initramfs::base_of(&root);
    tree.tools_of(root.clone(), &["nft"], "install it", None).unwrap();
    assert_eq!(find(&written(&tree), "bin/nft").content, b"#!/no/such\n");
    let refused = tree.tools_of(root, &["nft"], "install it", Some("take another")).unwrap_err();
    assert!(refused.why.ends_with("bin/nft: it is no ELF file") && refused.remedy == "take another", "{refused}");
}

#[test]
fn iptables_comes_with_its_extensions() {
    if tool::find("iptables-legacy").is_none() {
        return;
    }
    let mut tree = Initramfs::base();
    tree.tools(&["iptables-legacy"]).unwrap();
    let entries = written(&tree);
    let ends_with = |end: &str| entries.iter().any(|entry| entry.name.ends_with(end));
    for end in [
        "bin/iptables-legacy",
        "bin/xtables-legacy-multi",
        "xtables/libxt_comment.so",
        "xtables/libipt_REJECT.so",
        "xtables/libip6t_REJECT.so",
    ] {
        assert!(ends_with(end), "{end} should be there");
    }
    assert!(!ends_with("xtables/libebt_ip.so"));
}
