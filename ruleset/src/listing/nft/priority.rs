//! Where and when a base chain is called, as nft writes it.

use super::cursor::Cursor;
use crate::nft::level;
use lab_core::node::{Hook, HookPoint, NatKind};

/// What a line such as `type nat hook prerouting priority dstnat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The kernel calls the chain here.
    By(Hook),
    /// At a hook that no packet of a walk meets, such as `ingress`.
    Elsewhere,
}

/// Reads `type … hook … priority …`; `None` if it is something else.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Called> {
    let kind = match (cursor.eat("type"), cursor.take_word()?) {
        (true, "nat") => NatKind::Nat,
        (true, "route") => NatKind::Route,
        (true, _) => NatKind::Filter,
        (false, _) => return None,
    };
    if !cursor.eat("hook") {
        return None;
    }
    let point = HookPoint::named(cursor.take_word()?);
    while !cursor.eat("priority") {
        cursor.take()?;
    }
    let priority = priority(cursor)?;
    Some(match point {
        Some(point) => Called::By(Hook { point, priority, kind }),
        None => Called::Elsewhere,
    })
}

/// `dstnat - 10`, `filter`, `-110`.
fn priority(cursor: &mut Cursor<'_, '_>) -> Option<i32> {
    let mut total = level(cursor.take_word()?)?;
    while let Some(word) = cursor.take_word() {
        let step = match word {
            "+" => cursor.take_word()?.parse().ok()?,
            "-" => cursor.take_word()?.parse::<i32>().ok()?.checked_neg()?,
            // `dstnat -10`
            _ => word.parse().ok()?,
        };
        total = total.checked_add(step)?;
    }
    Some(total)
}
