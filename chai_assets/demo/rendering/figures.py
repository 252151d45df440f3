"""What moves in the practice shots: people, animals, vehicles and things, painted at one moment.

Only their looks and poses; where they are at which time is in `scenes`.
"""

from itertools import pairwise

import numpy as np

from chai_assets.demo.rendering.paint import Canvas, Point, toned
from chai_assets.demo.rendering.world import Color, Texture

_SKIN: Color = (222, 172, 138)


def _limb(canvas: Canvas, color: Color, width: float, start: Point, lengths: Point, bends: Point) -> Point:
    """Two bones from `start`; bends are degrees from straight down, positive to the right. Gives the end."""
    points = [start]
    for length, bend in zip(lengths, bends, strict=True):
        x, y = points[-1]
        points.append((x + length * np.sin(np.radians(bend)), y - length * np.cos(np.radians(bend))))
    canvas.line(color, width, points)
    return points[-1]


def _head(canvas: Canvas, center: Point, hair: Color, facing: int) -> None:
    x, y = center
    canvas.disc(hair, (x - 0.012 * facing, y + 0.012), 0.06, 0.9)
    canvas.disc(_SKIN, (x + 0.014 * facing, y - 0.008), 0.052, 0.78)
    canvas.disc(_SKIN, (x + 0.056 * facing, y - 0.012), 0.01)
    canvas.disc((44, 34, 32), (x + 0.034 * facing, y + 0.004), 0.006)


def walker(phase: float, coat: Color, legs: Color, hair: Color, facing: int, bag: bool = False) -> Texture:
    """A person in a knee-long coat walking; phase 0 to 1 is two steps, facing -1 is to the left."""
    canvas = Canvas(0.62, 360)
    swing = float(np.sin(2 * np.pi * phase))
    hip = (0.0, 0.48 + 0.008 * np.cos(4 * np.pi * phase))
    for side, tone in ((-1, 0.8), (1, 1.0)):
        thigh = 24 * swing * side * facing
        knee = -facing * max(0.0, 28 * float(np.sin(2 * np.pi * phase + side * 1.2)) * side)
        color = toned(legs, tone)
        foot = _limb(canvas, color, 0.058, hip, (0.23, 0.22), (thigh, thigh + knee))
        canvas.line((48, 38, 36), 0.036, [foot, (foot[0] + 0.05 * facing, foot[1] - 0.008)])
    sleeve = toned(coat, 0.8)
    _limb(canvas, sleeve, 0.048, (0, 0.78), (0.16, 0.15), (-22 * swing * facing, -14 * swing * facing))
    canvas.poly(coat, [(-0.085, 0.8), (0.085, 0.8), (0.1, 0.55), (0.125, 0.31), (-0.125, 0.31), (-0.1, 0.55)])
    canvas.line(coat, 0.07, [(-0.055, 0.795), (0.055, 0.795)])
    canvas.box(sleeve, -0.102, 0.545, 0.102, 0.57)
    canvas.box(_SKIN, -0.022, 0.8, 0.022, 0.86)
    if bag:
        canvas.line(hair, 0.062, [(-0.03 * facing, 0.92), (-0.045 * facing, 0.8)])
    _head(canvas, (0.0, 0.905), hair, facing)
    front = toned(coat, 0.88)
    hand = _limb(canvas, front, 0.05, (0, 0.775), (0.16, 0.15), (20 * swing * facing, 32 * swing * facing))
    canvas.disc(_SKIN, hand, 0.024)
    if bag:
        canvas.line((96, 66, 40), 0.008, [(hand[0] - 0.04, hand[1] - 0.09), hand, (hand[0] + 0.04, hand[1] - 0.09)])
        canvas.box((196, 152, 90), hand[0] - 0.065, hand[1] - 0.2, hand[0] + 0.065, hand[1] - 0.085)
    return canvas.texture(light=0.08)


def vendor(apron: Color) -> Texture:
    """A market vendor from the waist up."""
    canvas = Canvas(0.9, 220)
    canvas.poly((236, 228, 214), [(-0.2, 0.66), (0.2, 0.66), (0.22, 0), (-0.22, 0)])
    canvas.poly(apron, [(-0.11, 0.58), (0.11, 0.58), (0.16, 0), (-0.16, 0)])
    for side in (-1, 1):
        canvas.line((224, 214, 198), 0.1, [(0.19 * side, 0.6), (0.27 * side, 0.22)])
        canvas.disc(_SKIN, (0.27 * side, 0.18), 0.05)
    canvas.disc(_SKIN, (0, 0.82), 0.13, 0.88)
    canvas.poly(
        (74, 54, 44),
        [
            (-0.13, 0.84),
            (0.13, 0.84),
            (0.09, 0.97),
            (-0.09, 0.97),
        ],
    )
    return canvas.texture(light=0.08)


def cyclist(turn: float, shirt: Color) -> Texture:
    """A cyclist riding to the right; turn 0 to 1 is one turn of the pedals."""
    canvas = Canvas(1.1, 440)
    back, front, crank = (-0.3, 0.19), (0.33, 0.19), (-0.02, 0.2)
    saddle, bar = (-0.12, 0.53), (0.25, 0.56)
    angle = -2 * np.pi * turn
    for wheel in (back, front):
        canvas.disc((34, 34, 38), wheel, 0.185)
        canvas.disc((214, 220, 222), wheel, 0.163)
        for spoke in range(8):
            a = angle * 1.6 + spoke * np.pi / 4
            end = (wheel[0] + 0.16 * np.cos(a), wheel[1] + 0.16 * np.sin(a))
            canvas.line((120, 124, 130), 0.006, [wheel, end])
    pedals = [(crank[0] + s * 0.075 * np.cos(angle), crank[1] + s * 0.075 * np.sin(angle)) for s in (1, -1)]
    hip, shoulder = (-0.1, 0.58), (0.1, 0.82)
    _leg(canvas, (38, 48, 66), hip, pedals[1])
    frame = (30, 120, 116)
    for path in ([back, crank, (0.21, 0.5), saddle, back], [crank, saddle], [front, (0.21, 0.5), bar]):
        canvas.line(frame, 0.022, path)
    canvas.line((40, 40, 44), 0.03, [(-0.18, 0.545), (-0.06, 0.54)])
    canvas.line((60, 60, 66), 0.016, [crank, pedals[0]])
    _leg(canvas, (52, 64, 86), hip, pedals[0])
    canvas.poly(shirt, [(-0.17, 0.56), (-0.04, 0.53), (0.14, 0.79), (0.06, 0.87), (-0.02, 0.83)])
    canvas.line(shirt, 0.075, [shoulder, (0.15, 0.68)])
    canvas.line(_SKIN, 0.045, [(0.15, 0.68), bar])
    canvas.disc(_SKIN, (0.165, 0.91), 0.062, 0.9)
    canvas.poly((238, 196, 60), [(0.085, 0.925), (0.1, 0.98), (0.165, 0.995), (0.225, 0.965), (0.245, 0.93)])
    return canvas.texture(light=0.08)


def _leg(canvas: Canvas, color: Color, hip: Point, pedal: Point) -> None:
    """A leg of two equal bones whose knee bends forward between hip and pedal."""
    x, y = pedal[0] - hip[0], pedal[1] + 0.03 - hip[1]
    reach = float(np.hypot(x, y))
    bone = 0.24
    rise = float(np.sqrt(max(bone**2 - (reach / 2) ** 2, 0.0)))
    knee = (hip[0] + x / 2 - y / reach * rise, hip[1] + y / 2 + x / reach * rise)
    canvas.line(color, 0.075, [hip, knee]).line(color, 0.055, [knee, (pedal[0], pedal[1] + 0.03)])
    canvas.line((236, 236, 232), 0.036, [(pedal[0] - 0.03, pedal[1] + 0.016), (pedal[0] + 0.05, pedal[1] + 0.016)])


def deer(nod: float) -> Texture:
    """A deer standing in profile to the left; nod 0 is head high, 1 is grazing."""
    canvas = Canvas(1.1, 420)
    fur, dark, pale = (158, 108, 66), (120, 80, 50), (226, 200, 164)
    for x, color in ((-0.12, dark), (0.25, dark), (-0.17, fur), (0.2, fur)):
        canvas.line(color, 0.042, [(x, 0.42), (x + 0.012, 0.2), (x - 0.005, 0.03)])
        canvas.line((52, 40, 34), 0.034, [(x - 0.015, 0.016), (x + 0.005, 0.02)])
    canvas.poly(fur, [(-0.23, 0.5), (-0.18, 0.6), (0.2, 0.59), (0.29, 0.52), (0.27, 0.4), (0.05, 0.36), (-0.18, 0.38)])
    canvas.disc(pale, (0.285, 0.53), 0.035, 0.7)
    down = np.radians(-35 + 95 * nod)
    neck = (-0.19, 0.52)
    head = (neck[0] - 0.25 * np.cos(down) * 0.75 - 0.02, neck[1] - 0.3 * np.sin(down) + 0.03)
    canvas.line(fur, 0.1, [neck, head])
    snout = (head[0] - 0.1, head[1] - 0.045 - 0.05 * nod)
    canvas.line(fur, 0.075, [head, snout]).disc((44, 34, 30), (snout[0] - 0.026, snout[1]), 0.018)
    canvas.disc((36, 26, 22), (head[0] - 0.03, head[1] + 0.018), 0.009)
    canvas.poly(fur, [(head[0] + 0.02, head[1] + 0.03), (head[0] + 0.1, head[1] + 0.085), (head[0] + 0.05, head[1])])
    for lean in (0.0, 0.05):
        root = (head[0] + 0.015, head[1] + 0.035)
        tip = (root[0] + lean + 0.03, root[1] + 0.2)
        canvas.line((200, 176, 140), 0.013, [root, (root[0] + lean + 0.06, root[1] + 0.1), tip])
        canvas.line(
            (200, 176, 140),
            0.011,
            [(root[0] + lean + 0.06, root[1] + 0.1), (root[0] + lean - 0.02, root[1] + 0.15)],
        )
    return canvas.texture(light=0.12, grain=0.08)


def ball(turn: float) -> Texture:
    """A red ball with white bands; turn in degrees, positive rolls to the right."""
    canvas = Canvas(1.0, 220)
    canvas.disc((206, 40, 36), (0, 0.5), 0.49)
    for start in (0, 120, 240):
        edge = [np.radians(start - turn + a) for a in np.linspace(0, 52, 12)]
        canvas.poly((246, 242, 234), [(0, 0.5), *((0.49 * np.cos(a), 0.5 + 0.49 * np.sin(a)) for a in edge)])
    canvas.disc((250, 208, 70), (0, 0.5), 0.11)
    glossy = canvas.disc((255, 226, 220), (-0.2, 0.74), 0.05, 1.2)
    return glossy.texture(light=0.3)


def leaper(arms: float, tuck: float) -> Texture:
    """An athlete in mid-air, going right; arms and legs swing from behind (0) to ahead (1)."""
    canvas = Canvas(1.0, 400)
    hip, shoulder = (0.0, 0.46), (0.05 + 0.06 * tuck, 0.76)
    for side, color in ((-1, (188, 138, 108)), (1, _SKIN)):
        thigh = -38 * side * (1 - tuck) + 78 * tuck + 4 * side
        foot = _limb(canvas, color, 0.07, hip, (0.22, 0.21), (thigh, thigh - 46 * (1 - tuck) + 12 * tuck))
        canvas.line((242, 190, 40), 0.045, [foot, (foot[0] + 0.06, foot[1] + 0.02 + 0.05 * tuck)])
    reach = 200 - 150 * arms
    far = _limb(canvas, (188, 138, 108), 0.046, shoulder, (0.15, 0.15), (reach + 14, reach + 34))
    canvas.disc((188, 138, 108), far, 0.026)
    canvas.poly((30, 84, 170), [(-0.07, 0.4), (0.08, 0.4), (shoulder[0] + 0.085, 0.75), (shoulder[0] - 0.075, 0.78)])
    canvas.poly((24, 30, 44), [(-0.085, 0.5), (0.085, 0.47), (0.12, 0.37), (-0.09, 0.38)])
    canvas.poly(
        (250, 250, 250),
        [
            (shoulder[0] - 0.055, 0.62),
            (shoulder[0] + 0.06, 0.61),
            (shoulder[0] + 0.065, 0.66),
            (shoulder[0] - 0.05, 0.67),
        ],
    )
    near = _limb(canvas, _SKIN, 0.048, shoulder, (0.15, 0.15), (reach, reach + 22))
    canvas.disc(_SKIN, near, 0.028)
    canvas.box(_SKIN, shoulder[0] - 0.02, 0.76, shoulder[0] + 0.03, 0.83)
    _head(canvas, (shoulder[0] + 0.025, 0.88), (66, 44, 34), 1)
    return canvas.texture(light=0.08)


def grains(fall: float, seed: int) -> Texture:
    """Sand thrown up by a landing; fall 0 to 1 is from first splash to settled."""
    random = np.random.default_rng(seed)
    canvas = Canvas(2.6, 200)
    for _ in range(150):
        side, speed = random.uniform(-1, 1), random.uniform(0.2, 1.0)
        x = side * fall * speed * 1.25
        y = 4 * speed * fall * (1 - fall) * random.uniform(0.4, 0.98)
        tone = random.uniform(0.8, 1.1)
        color = toned((226, 194, 138), tone)
        canvas.disc(color, (x, y), random.uniform(0.008, 0.026))
    return canvas.texture()


def balloon() -> Texture:
    """A hot-air balloon with its basket; 0.72 as wide as high."""
    canvas = Canvas(0.72, 640)
    gores: list[Color] = [(224, 74, 52), (246, 180, 60), (240, 226, 196), (58, 128, 150)]
    turns = np.linspace(0, np.pi, 40)

    def outline(share: float) -> list[Point]:
        top = [(share * 0.35 * np.sin(a), 0.63 + 0.36 * np.cos(a)) for a in turns[:26]]
        return [*top, (share * 0.09, 0.24), (share * 0.05, 0.2)]

    shares = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 13))
    for number, (left, right) in enumerate(pairwise(shares)):
        canvas.poly(gores[number % 4], [*outline(left), *reversed(outline(right))])
    for x in (-0.045, 0.045):
        canvas.line((70, 54, 44), 0.004, [(x, 0.2), (x * 0.9, 0.09)])
    canvas.poly((142, 96, 56), [(-0.05, 0.09), (0.05, 0.09), (0.042, 0.0), (-0.042, 0.0)])
    canvas.box((104, 68, 40), -0.052, 0.078, 0.052, 0.092)
    for x in (-0.02, 0.018):
        canvas.line((50, 60, 84), 0.02, [(x, 0.09), (x, 0.115)]).disc(_SKIN, (x, 0.134), 0.011)
    return canvas.texture(light=0.24)


def sailboat(heel: float) -> Texture:
    """A sailing boat going right, leaning by `heel` hundredths of its height at the mast top."""
    canvas = Canvas(0.9, 460)
    top = (0.02 + heel / 100, 0.97)
    canvas.line((96, 70, 50), 0.014, [(0.02, 0.12), top])
    canvas.poly((250, 246, 236), [(0.0, 0.19), (-0.3 + heel / 200, 0.21), (top[0] - 0.016, 0.95)])
    canvas.poly((226, 86, 62), [(0.05, 0.2), (0.36, 0.19), (top[0] + 0.012, 0.86)])
    canvas.poly((36, 62, 96), [(-0.36, 0.16), (0.43, 0.17), (0.32, 0.02), (-0.28, 0.02)])
    canvas.poly((240, 238, 232), [(-0.37, 0.15), (0.435, 0.16), (0.43, 0.185), (-0.375, 0.175)])
    canvas.disc((240, 200, 70), (-0.2, 0.22), 0.04).disc(_SKIN, (-0.2, 0.28), 0.026)
    return canvas.texture(light=0.14)


def mill_sails(turn: float) -> Texture:
    """Four lattice sails of a windmill; turn in degrees, positive is clockwise."""
    canvas = Canvas(1.0, 480)
    for arm in range(4):
        a = np.radians(90 * arm - turn)
        along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])

        def at(u: float, v: float, along: np.ndarray = along, across: np.ndarray = across) -> Point:
            x, y = along * u + across * v
            return float(x), float(y) + 0.5

        canvas.poly((240, 232, 214), [at(0.12, 0.005), at(0.48, 0.005), at(0.48, 0.1), at(0.12, 0.085)])
        canvas.line((92, 66, 48), 0.018, [at(0, 0), at(0.49, 0)])
        for u in np.linspace(0.14, 0.47, 8):
            canvas.line((130, 98, 70), 0.006, [at(u, 0), at(u, 0.095)])
        canvas.line((130, 98, 70), 0.007, [at(0.12, 0.088), at(0.48, 0.1)])
    return canvas.disc((74, 56, 44), (0, 0.5), 0.03).texture()


def mill() -> Texture:
    """The tower of a windmill with its thatched cap; 0.7 as wide as high."""
    canvas = Canvas(0.7, 700)
    canvas.poly((188, 132, 100), [(-0.25, 0), (0.25, 0), (0.15, 0.76), (-0.15, 0.76)])
    canvas.poly((216, 208, 196), [(-0.252, 0), (0.252, 0), (0.237, 0.12), (-0.237, 0.12)])
    canvas.box((84, 58, 42), -0.06, 0, 0.06, 0.2)
    for y in (0.34, 0.58):
        canvas.box((246, 240, 226), -0.045, y, 0.045, y + 0.09).box((84, 108, 126), -0.034, y + 0.01, 0.034, y + 0.08)
    canvas.poly((100, 80, 66), [(-0.18, 0.75), (0.18, 0.75), (0.13, 0.9), (0.0, 0.99), (-0.13, 0.9)])
    return canvas.texture(light=0.16, grain=0.12, seed=5)


def gull(beat: float) -> Texture:
    """A gull gliding to the right; beat 0 to 1 is one beat of the wings."""
    canvas = Canvas(2.0, 140)
    lift = 0.34 * float(np.sin(2 * np.pi * beat))
    for side, color in ((1, (206, 214, 222)), (-1, (236, 240, 244))):
        tip = (side * 0.72 - 0.12, 0.45 + lift)
        elbow = (side * 0.34 + 0.04, 0.56 + lift * 0.75)
        canvas.poly(color, [(0.1, 0.5), elbow, tip, (side * 0.3 - 0.08, 0.46 + lift * 0.6), (-0.1, 0.46)])
        canvas.line((70, 76, 86), 0.03, [tip, (tip[0] * 0.9, tip[1] + lift * 0.03)])
    canvas.poly((248, 248, 248), [(-0.36, 0.47), (0.0, 0.38), (0.25, 0.46), (0.32, 0.55), (0.1, 0.58)])
    return canvas.poly((238, 170, 60), [(0.3, 0.55), (0.4, 0.5), (0.3, 0.5)]).texture()


def puff(age: float) -> Texture:
    """A puff of chimney smoke; age 0 to 1 is from fresh to gone."""
    canvas = Canvas(1.0, 160)
    for x, y, radius in ((0, 0.5, 0.3), (-0.2, 0.42, 0.2), (0.2, 0.46, 0.22), (0.04, 0.66, 0.2)):
        canvas.disc((232, 232, 238), (x, y), radius)
    return Texture((canvas.image * (0.75 * (1 - age))).astype(np.uint8))


def tumbleweed(turn: float) -> Texture:
    """A dry bush rolling; turn in degrees, positive rolls to the right."""
    random = np.random.default_rng(8)
    canvas = Canvas(1.0, 200)
    for _ in range(46):
        first, sweep = random.uniform(0, 360), random.uniform(60, 170)
        reach = random.uniform(0.2, 0.46)
        turns = np.radians(first - turn + np.linspace(0, sweep, 9))
        radii = reach * (0.55 + 0.45 * np.sin(np.linspace(0, np.pi, 9)))
        tone = random.uniform(0.7, 1.1)
        path = [(r * np.cos(a), 0.5 + r * np.sin(a)) for r, a in zip(radii, turns, strict=True)]
        canvas.line(toned((168, 126, 76), tone), 0.016, path)
    return canvas.texture(light=0.2)
