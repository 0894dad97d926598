"""What to do when the archive's files lie in two places: the switch, and the way back, in the office's language."""

from collections.abc import Mapping
from typing import Final

from formats.reasons import Language

_SWITCH: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "To switch: jiexu migrate home --to {to} --switch. It brings over what came since and changes the setting.",
        "Nothing has changed yet: originals are kept in {old} until then.",
    ),
    "zh": (
        "切换：运行 jiexu migrate home --to {to} --switch，它会补充其后新增的内容并更改设置。",
        "目前尚无变化：切换前备查原件仍保存在 {old}。",
    ),
    "ko": (
        "전환: jiexu migrate home --to {to} --switch. 그 뒤에 온 것을 옮기고 설정을 바꾼다.",
        "아직 바뀐 것은 없다. 그때까지 원본은 {old}에 보존된다.",
    ),
}
_SWITCHED: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "office.toml has [storage] archive = {new}. Restart jiexu serve; other machines' office.toml need the same.",
        "Then jiexu archive audit --all. {old} stays as it is, and takes nothing more: the file moved in it says why.",
        "Back at once, with nothing kept since: put the earlier setting back and remove {old}/moved.",
        "Back later: jiexu migrate home --to a new folder on the old storage, with --switch.",
    ),
    "zh": (
        "office.toml 的 [storage] 中已设 archive = {new}。请重启 jiexu serve；其他机器的 office.toml 须作相同更改。",
        "随后运行 jiexu archive audit --all。{old} 保持原样且不再接收内容，其中的 moved 文件说明原因。",
        "立即退回（其后未保存任何内容时）：恢复原设置并删除 {old}/moved。",
        "以后退回：对旧存储上的新目录运行 jiexu migrate home --to，并加 --switch。",
    ),
    "ko": (
        "office.toml의 [storage]에 archive = {new}가 있다. jiexu serve를 다시 시작하고 다른 컴퓨터도 똑같이 바꾼다.",
        "이어서 jiexu archive audit --all. {old}는 그대로 남고 더 받지 않는다. 그 안의 moved 파일이 까닭을 말한다.",
        "바로 되돌리기(그 뒤 보존한 것이 없을 때): 이전 설정으로 되돌리고 {old}/moved를 지운다.",
        "나중에 되돌리기: 옛 저장소의 새 폴더로 jiexu migrate home --to 를 --switch와 함께 실행한다.",
    ),
}


def next_steps(*, switched: bool, to: str, old: str, new: str, language: Language) -> tuple[str, ...]:
    """What is to be done now, a line each; `to` is the folder that was asked for, `old` and `new` the archive's."""
    lines = (_SWITCHED if switched else _SWITCH)[language]
    return tuple(line.format(to=to, old=old, new=new) for line in lines)
