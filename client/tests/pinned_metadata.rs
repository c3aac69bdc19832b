//! The pinned metadata is complete: the generated code accepts it, and no other.

use codec::Decode;
use mizan_client::{runtime, subxt::Metadata};

const PINNED: &[u8] = include_bytes!("../metadata.scale");

#[test]
fn generated_code_accepts_the_pinned_metadata() {
    let metadata = Metadata::decode(&mut &*PINNED).unwrap();
    assert!(runtime::is_codegen_valid_for(&metadata));
}

#[test]
fn generated_code_refuses_metadata_with_another_type() {
    // A field of a job gets another name: the name is unique, so all of the rest stays.
    let name = b"wait_until_block";
    let at = PINNED
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    let mut other = PINNED.to_vec();
    other[at..at + name.len()].copy_from_slice(b"wait_until_month");
    let metadata = Metadata::decode(&mut &*other).unwrap();
    assert!(!runtime::is_codegen_valid_for(&metadata));
}

#[test]
fn the_version_is_the_newest_that_nodes_serve() {
    // Clients compare with the newest version that the node serves: an older one, such as
    // `state_getMetadata` gives, never equals it.
    assert_eq!(PINNED[..5], *b"meta\x10");
}
