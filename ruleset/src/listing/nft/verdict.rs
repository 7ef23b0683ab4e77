//! Verdicts of rules and of elements.

use super::cursor::Cursor;
use lab_core::node::Verdict;

/// Takes a verdict; `None`, with nothing taken, if there is none.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Verdict> {
    let verdict = match cursor.word(0) {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop,
        "return" => Verdict::Return,
        "continue" => Verdict::Continue,
        "jump" => Verdict::Jump(cursor.peek(1)?.name()?.into()),
        "goto" => Verdict::Goto(cursor.peek(1)?.name()?.into()),
        "queue" => return Some(queue(cursor)),
        "reject" => return Some(reject(cursor)),
        _ => return None,
    };
    cursor.skip(if matches!(verdict, Verdict::Jump(_) | Verdict::Goto(_)) { 2 } else { 1 });
    Some(verdict)
}

/// `queue num 1-3 bypass,fanout`, `queue flags bypass to 1`
fn queue(cursor: &mut Cursor<'_, '_>) -> Verdict {
    cursor.skip(1);
    while matches!(cursor.word(0), "num" | "to" | "flags") {
        cursor.skip(2);
        skip_list(cursor);
    }
    if matches!(cursor.word(0), "bypass" | "fanout") {
        cursor.skip(1);
        skip_list(cursor);
    }
    Verdict::Queue
}

/// `,fanout`
pub(super) fn skip_list(cursor: &mut Cursor<'_, '_>) {
    while cursor.peek(0) == Some(super::token::Token::Comma) {
        cursor.skip(2);
    }
}

/// `reject`, `reject with icmp type host-unreachable`, `reject with icmpx admin-prohibited`, `reject with tcp reset`
fn reject(cursor: &mut Cursor<'_, '_>) -> Verdict {
    cursor.skip(1);
    if !cursor.eat("with") {
        return Verdict::Reject("".into());
    }
    let protocol = cursor.take_word().unwrap_or_default();
    cursor.eat("type");
    let error = cursor.take_word().unwrap_or_default();
    Verdict::Reject(format!("{protocol}-{error}").into())
}
