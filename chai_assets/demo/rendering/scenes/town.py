"""Practice shots among people: market, street, playground, stadium, harbor."""

import numpy as np

from chai_assets.demo.rendering import figures, paint
from chai_assets.demo.rendering.paint import Canvas
from chai_assets.demo.rendering.scenes.common import blot, ease, grove, ridge
from chai_assets.demo.rendering.world import Camera, Color, Ground, Quad, Shot, Sky, Texture


def pan_left_market() -> Shot:
    """A woman in a red coat walks left past market stalls; the camera pans left with her."""
    seconds = 3.0
    walls: list[Color] = [
        (226, 186, 120),
        (206, 126, 100),
        (238, 222, 190),
        (150, 176, 180),
        (222, 160, 132),
    ]
    roofs: list[Color] = [(148, 72, 56), (110, 74, 66), (136, 88, 62)]
    still = [
        Quad.standing(paint.house(walls[n % 5], roofs[n % 3], n, 3 + n % 2), -24 + n * 5.0, 17, 8.2 + 0.7 * (n % 3))
        for n in range(11)
    ]
    stripes: list[Color] = [(190, 52, 48), (46, 110, 84), (44, 86, 146), (222, 148, 50)]
    stalls = [-10.6, -7.0, -3.4, 0.2, 3.8, 7.4]
    still += [Quad.standing(paint.stall(stripes[n % 4], n), x, 10, 2.7) for n, x in enumerate(stalls)]
    still += [blot(x, 9.9, 4.2) for x in stalls]

    vendors = [figures.vendor(stripe) for stripe in stripes]

    def x_of(t: float) -> float:
        return 1.9 - 4.0 * ease(t, seconds)

    def moving(t: float) -> list[Quad]:
        woman = figures.walker(t * 0.95, (196, 40, 48), (52, 50, 64), (70, 44, 34), -1, bag=True)
        sellers = [
            Quad.standing(vendors[n % 4], x + 0.09 * float(np.sin(2.1 * t + 2 * n)), 9.98, 0.85, 1.22)
            for n, x in enumerate(stalls)
        ]
        return [*sellers, blot(x_of(t), 5.2, 1.1), Quad.standing(woman, x_of(t), 5.2, 1.7)]

    def camera(t: float) -> Camera:
        return Camera(pan=float(np.degrees(np.arctan2(x_of(t) - 0.25, 5.2))), tilt=1.0)

    clouds = paint.clouds((255, 255, 255), (206, 216, 230), 0.3, 3)
    sky = Sky(paint.sky((214, 230, 240), (92, 152, 214)), clouds)
    ground = Ground(Texture(paint.paving((186, 172, 156), (132, 120, 110), 4).pixels), 4.0, (226, 216, 206))
    return Shot(seconds, camera, sky, ground, still, moving)


def truck_right_street_cyclist() -> Shot:
    """A cyclist rides right along a street at evening; the camera trucks right beside her."""
    seconds = 3.0
    haze = (238, 190, 150)
    walls: list[Color] = [(188, 112, 88), (222, 190, 150), (150, 118, 122), (206, 150, 96), (118, 130, 142)]
    still = ridge((150, 126, 140), 25, 120, 16)
    still += [
        Quad.standing(
            paint.house(walls[n % 5], (94, 62, 62), 40 + n, 3 + n % 2, lit=True),
            -10 + n * 5.1,
            14,
            8.5 + n % 3,
        )
        for n in range(8)
    ]
    plane = [paint.tree((150, 132, 56), 50 + n) for n in range(3)]
    still += grove(plane, [(-7.0 + 6.3 * n, 10.5) for n in range(6)], 5.0, 9, haze, 300)
    kerb = paint.paving((176, 164, 156), (120, 110, 106), 3)
    still += [Quad.lying(kerb, x, 10.0, 4.0, 4.0) for x in np.arange(-14, 26, 3.99).tolist()]

    def lamp(c: Canvas) -> None:
        c.line((44, 48, 52), 0.022, [(0, 0), (0, 0.9)])
        c.box((255, 226, 150), -0.03, 0.86, 0.03, 0.95).box((44, 48, 52), -0.04, 0.95, 0.04, 0.975)

    post = paint.drawn(0.12, 420, lamp)
    still += [Quad.standing(post, x, 3.6, 2.45) for x in (-1.4, 3.6, 8.6, 13.6)]

    def moving(t: float) -> list[Quad]:
        x = -0.35 + 9.0 * ease(t, seconds)
        return [blot(x, 6, 1.7), Quad.standing(figures.cyclist(t * 1.15, (236, 120, 52)), x, 6, 1.75)]

    sky = Sky(
        paint.sky((252, 206, 150), (98, 116, 170), (18, 12, (255, 232, 170))),
        paint.clouds((255, 226, 196), (196, 150, 160), 0.3, 24),
    )
    ground = Ground(paint.turf((96, 92, 96), (124, 118, 120), 28, fine=0.8), 3.0, haze, 220)
    return Shot(seconds, lambda t: Camera(x=9.0 * ease(t, seconds)), sky, ground, still, moving)


def handheld_playground_ball() -> Shot:
    """A red ball bounces to the right across a playground; the camera is held by hand and shakes."""
    seconds = 3.0

    def swing(c: Canvas) -> None:
        for side in (-1, 1):
            c.line((52, 104, 160), 0.03, [(0.8 * side, 0), (0.66 * side, 0.95), (0.52 * side, 0)])
        c.line((226, 178, 52), 0.034, [(-0.68, 0.95), (0.68, 0.95)])
        for seat in (-0.26, 0.26):
            for rope in (-0.08, 0.08):
                c.line((90, 90, 96), 0.01, [(seat + rope, 0.94), (seat + rope, 0.26)])
            c.box((204, 64, 48), seat - 0.1, 0.23, seat + 0.1, 0.265)

    def fence(c: Canvas) -> None:
        for x in np.linspace(-1.9, 1.9, 20).tolist():
            c.poly((244, 240, 230), [(x - 0.06, 0), (x + 0.06, 0), (x + 0.06, 0.86), (x, 0.98), (x - 0.06, 0.86)])
        for y in (0.28, 0.66):
            c.box((228, 222, 210), -2.0, y, 2.0, y + 0.09)

    pickets = paint.drawn(4.0, 160, fence)
    leaves = [paint.tree((88, 152, 74), 80 + n) for n in range(3)]
    still = [Quad.standing(pickets, x, 13, 1.15) for x in np.arange(-13.8, 14, 4.6).tolist()]
    still += grove(
        leaves,
        [(-11.0, 17.0), (-6.5, 19.0), (-1.5, 17.5), (4.0, 19.0), (9.0, 17.0), (14.0, 18.5)],
        7,
        1,
        (190, 216, 230),
        220,
    )
    still += [blot(2.6, 9, 3.6), Quad.standing(paint.drawn(1.7, 420, swing), 2.6, 9, 2.5)]

    def moving(t: float) -> list[Quad]:
        x = -2.3 + 1.45 * t
        beat = (t + 0.35) / 0.75
        height = 0.9 * 0.72 ** int(beat) * 4 * (beat % 1) * (1 - beat % 1)
        return [blot(x, 4.6, 0.75), Quad.standing(figures.ball(t * 190), x, 4.6, 0.62, float(height))]

    def camera(t: float) -> Camera:
        def shake(*waves: tuple[float, float, float]) -> float:
            return float(sum(size * np.sin(2 * np.pi * rate * t + late) for size, rate, late in waves))

        return Camera(
            y=1.15,
            pan=shake((0.9, 0.7, 0), (0.55, 2.3, 1.0), (0.3, 4.1, 2.2)),
            tilt=-3 + shake((0.7, 0.9, 2.0), (0.55, 2.9, 0.4), (0.28, 4.7, 1.1)),
            roll=shake((0.8, 0.6, 1.2), (0.4, 2.6, 0.2)),
        )

    sky = Sky(
        paint.sky((206, 232, 244), (88, 164, 226)),
        paint.clouds((255, 255, 255), (214, 226, 238), 0.28, 44),
    )
    ground = Ground(paint.turf((92, 158, 66), (142, 196, 92), 48), 4.0, (176, 210, 160), 160)
    return Shot(seconds, camera, sky, ground, still, moving)


def slow_motion_long_jump() -> Shot:
    """A long jumper flies through the air in slow motion and lands in the sand; the camera is static."""
    seconds = 3.6
    landing = 2.7

    def stand(c: Canvas) -> None:
        for step in range(5):
            c.box((150 + 14 * step, 152 + 14 * step, 162 + 13 * step), -3, step * 0.2, 3, step * 0.2 + 0.19)
        random = np.random.default_rng(3)
        shirts: list[Color] = [
            (214, 70, 60),
            (60, 108, 180),
            (240, 196, 70),
            (240, 240, 236),
            (80, 150, 100),
        ]
        for _ in range(150):
            x, row = random.uniform(-2.9, 2.9), int(random.integers(5))
            c.disc(shirts[int(random.integers(5))], (x, row * 0.2 + 0.12), 0.05)
            c.disc((214, 168, 136), (x, row * 0.2 + 0.19), 0.028)

    still = [Quad.standing(paint.drawn(6.0, 300, stand), x, 22, 3.6, 0.2) for x in (-21.6, 0.0, 21.6)]
    leaves = [paint.tree((74, 128, 84), 90 + n) for n in range(3)]
    still += grove(leaves, [(-20.0 + 5.4 * n, 27.0) for n in range(9)], 8.5, 5, (200, 216, 226), 300)
    track = paint.turf((168, 72, 54), (192, 94, 72), 55, fine=0.9)
    still += [Quad.lying(track, x, 12.0, 8.0, 4.0, 0.005) for x in (-16, -8.01, -0.02, 7.97, 15.96)]
    line = paint.drawn(4.0, 64, lambda c: c.box((246, 244, 240), -2, 0, 2, 1), grain=0)
    still += [Quad.lying(line, x, z, 8.0, 0.09, 0.008) for x in (-16, -8, 0, 8, 16) for z in (10.2, 12.0, 13.8)]
    still += [Quad.lying(track, -5.2, 6.0, 5.2, 1.5), Quad.lying(line, -2.75, 6.0, 0.22, 1.5, 0.012)]
    still += [Quad.lying(paint.turf((214, 184, 128), (240, 214, 160), 57), 2.2, 6.0, 8.6, 2.6)]

    def moving(t: float) -> list[Quad]:
        share = min(t / landing, 1.0)
        x, hop = -3.1 + 5.2 * share, 0.2 + 4 * 1.0 * share * (1 - share) - 0.35 * share**3
        tuck = float(np.clip((share - 0.35) / 0.55, 0, 1))
        pose = figures.leaper(float(np.clip(share * 1.15, 0, 1)), tuck * tuck * (3 - 2 * tuck))
        quads = [blot(x, 6, 1.5), Quad.standing(pose, x, 6, 1.85, hop - 0.45)]
        if t > landing - 0.15:
            quads.append(Quad.standing(figures.grains(min((t - landing + 0.15) / 2.2, 1), 2), x + 0.55, 5.9, 0.9))
        return quads

    sky = Sky(
        paint.sky((222, 234, 242), (112, 168, 220)),
        paint.clouds((255, 255, 255), (220, 226, 236), 0.24, 58),
    )
    ground = Ground(paint.turf((84, 142, 72), (116, 172, 92), 52), 5.0, (190, 208, 186), 200)
    return Shot(seconds, lambda t: Camera(y=1.25, tilt=-1), sky, ground, still, moving)


def fast_motion_harbour() -> Shot:
    """A harbor at sunset in fast motion: clouds race, boats dart, people scurry; the camera is static."""
    seconds = 3.0
    haze = (250, 190, 136)
    still = ridge((118, 92, 118), 71, 160, 22, x=-40) + ridge((92, 74, 100), 73, 120, 9, x=30)
    walls: list[Color] = [(150, 96, 84), (178, 132, 96), (124, 96, 104), (164, 110, 80)]
    still += [
        Quad.standing(paint.house(walls[n % 4], (84, 52, 54), 100 + n, 3, lit=True), 26 + n * 4.2, 58 + n % 2, 8)
        for n in range(8)
    ]
    boards = paint.paving((128, 92, 76), (84, 60, 54), 2, stones=6)
    still += [Quad.lying(boards, x, 5.35, 3.0, 3.0, 0.35) for x in np.arange(-9, 9.1, 2.99).tolist()]

    def bollard(c: Canvas) -> None:
        c.box((54, 44, 48), -0.16, 0, 0.16, 0.8).disc((70, 58, 60), (0, 0.82), 0.18, 1.2)

    still += [Quad.standing(paint.drawn(0.6, 120, bollard), x, 6.6, 0.55, 0.35) for x in (-4.6, -1.6, 1.4, 4.4)]

    boats = [figures.sailboat(1 + 6 * n / 8) for n in range(9)]
    walks = [(-5.5, 5.2), (-13.0, 6.0), (-9.5, 4.6), (-20.5, 5.6)]
    coats: list[Color] = [(60, 70, 110), (150, 60, 66), (92, 110, 80), (196, 150, 80)]
    people = [[figures.walker(n / 10, coat, (50, 42, 50), (60, 44, 40), 1) for n in range(10)] for coat in coats]

    def moving(t: float) -> list[Quad]:
        quads = []
        for z, speed, start, size in (
            (24.0, 17.0, -26.0, 6.0),
            (38.0, 21.0, -20.0, 7.0),
            (30.0, 19.0, -64.0, 6.5),
        ):
            boat = boats[round(4 + 4 * float(np.sin(13 * t + z)))]
            bob = 0.12 * float(np.sin(15 * t + z))
            quads.append(Quad.standing(boat, (start + speed * t + 48) % 96 - 48, z, size, bob - 0.2))
        for (start, speed), poses in zip(walks, people, strict=True):
            step = poses[round(42 * t - start) % 10]
            quads.append(Quad.standing(step, start + speed * t, 5.4, 1.65, 0.36))
        return quads

    sky = Sky(
        paint.sky((255, 192, 110), (92, 86, 150), (-10, 7, (255, 244, 190))),
        paint.clouds((255, 186, 140), (146, 100, 132), 0.42, 77),
        15.0,
    )
    ground = Ground(paint.waves((88, 74, 108), (250, 172, 118), 79), 7.0, haze, 170, (2.4, -2.0))
    return Shot(seconds, lambda t: Camera(y=2.1, tilt=2), sky, ground, still, moving)
