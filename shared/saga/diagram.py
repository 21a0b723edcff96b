"""A saga's declaration as a picture: Mermaid, for the documentation."""

from shared.saga.definition import S, Saga


def mermaid(saga: Saga[S]) -> str:
    """The state graph: forward down the middle, undo back up beside it. The pivot has a double border.

    *refused* and *silence* (beyond the budget of asks) label where each step leads when it is not done.
    """
    lines = ["flowchart TD", '    start(["start"])']
    previous = "start"
    for i, step in enumerate(saga.steps):
        shape = f'[["{step.name}"]]' if step.pivot else f'["{step.name}"]'
        lines.append(f"    s{i}{shape}")
        lines.append(f"    {previous} --> s{i}")
        previous = f"s{i}"
    lines += ['    completed(["completed"])', f"    {previous} --> completed", *_backward(saga)]
    return "\n".join(lines) + "\n"


def _backward(saga: Saga[S]) -> list[str]:
    lines: list[str] = []
    towards = "refused"
    for i, step in enumerate(saga.steps):
        if i > saga.pivot:
            outcome = f"u{saga.pivot}" if step.unwinds else "attention"
            lines += [f"    s{i} -. refused .-> {outcome}", f"    s{i} -. silence .-> attention"]
            continue
        lines.append(f"    s{i} -. refused .-> {towards}")
        if step.undo is not None:
            lines += [f'    u{i}["undo {step.name}"]', f"    u{i} --> {towards}"]
            towards = f"u{i}"
        if not step.pivot:
            lines.append(f"    s{i} -. silence .-> {towards}")
    if saga.pivot < len(saga.steps):
        lines.append(f"    s{saga.pivot} -. silence .-> attention")
    return ['    refused(["refused"])', '    attention(["needs attention"])', *lines]
