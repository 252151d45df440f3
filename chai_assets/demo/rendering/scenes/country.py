"""Practice shots outdoors: lighthouse, windmill, forest, mountains, desert, snow."""

import numpy as np

from chai_assets.demo.rendering import figures, paint
from chai_assets.demo.rendering.scenes.common import blot, ease, grove, ridge
from chai_assets.demo.rendering.world import Camera, Ground, Quad, Shot, Sky


def tilt_up_lighthouse() -> Shot:
    """A red and white lighthouse on a rock by the sea; the camera tilts up from its foot to the lantern."""
    seconds = 3.0
    still = ridge((120, 138, 150), 11, 140, 12, x=-30)
    still += [
        Quad.standing(paint.island((136, 124, 110), 21), 1, 27, 3.6, -0.9),
        Quad.standing(paint.lighthouse(), 0, 26, 21, 0.9),
        Quad.standing(paint.island((120, 138, 84), 33), -0.5, 24, 2.6, -0.8),
        Quad.standing(paint.island((92, 82, 76), 43), 6, 18, 1.4, -0.5),
    ]

    def moving(t: float) -> list[Quad]:
        places = [
            (-9 + 2.4 * t, 15 + 0.5 * t, 22, 1.0, 0.0),
            (4 - 1.6 * t, 19.5, 24, 0.8, 0.4),
            (-3 + 2 * t, 9, 21, 1.1, 0.7),
        ]
        return [
            Quad.standing(figures.gull(t * 1.3 + late), x, z, size, y + 0.3 * float(np.sin(2 * t + late * 6)))
            for x, y, z, size, late in places
        ]

    sky = Sky(
        paint.sky((232, 224, 210), (84, 138, 196), (-24, 30, (255, 244, 210))),
        paint.clouds((255, 252, 246), (214, 210, 214), 0.34, 9),
        0.6,
    )
    ground = Ground(paint.waves((34, 84, 112), (104, 162, 176), 6), 9.0, (206, 216, 216), 220, (0.3, -0.8))
    return Shot(seconds, lambda t: Camera(y=1.9, tilt=2 + 31 * ease(t, seconds)), sky, ground, still, moving)


def zoom_in_windmill() -> Shot:
    """A windmill turns in a wheat field; the camera stays put and zooms in on it."""
    seconds = 3.0
    haze = (236, 222, 190)
    still = ridge((132, 150, 120), 5, 190, 17) + ridge((106, 132, 92), 15, 130, 9)
    leaves = [paint.tree((116, 144, 66), 3), paint.tree((96, 130, 62), 4), paint.tree((140, 150, 70), 5)]
    spots = [
        (-30.0, 78.0),
        (-22.0, 84.0),
        (-38.0, 90.0),
        (24.0, 74.0),
        (31.0, 88.0),
        (40.0, 80.0),
        (-15.0, 96.0),
    ]
    still += grove(leaves, spots, 9, 2, haze, 400)
    still += [Quad.lying(paint.turf((150, 116, 74), (192, 160, 110), 12), 0, z, 2.6, 6.0) for z in range(9, 58, 6)]
    still += [blot(1.5, 59, 15), Quad.standing(figures.mill(), 0, 60, 12.5)]
    random = np.random.default_rng(4)
    ears = [paint.grass((216, 180, 92), n) for n in range(3)]
    for z in np.arange(34, 5, -2.2).tolist():
        still += [
            Quad.standing(
                ears[int(random.integers(3))],
                side * (3.8 + random.uniform(0, 0.8) + 2.6 * step),
                z,
                0.9,
            )
            for side in (-1, 1)
            for step in range(int(z * 0.85 / 2.6) + 2)
        ]

    def moving(t: float) -> list[Quad]:
        return [Quad.standing(figures.mill_sails(20 + 42 * t), 0, 59.5, 13.5, 3.6)]

    sky = Sky(
        paint.sky((246, 232, 204), (104, 160, 212)),
        paint.clouds((255, 252, 244), (220, 214, 212), 0.32, 14),
        0.4,
    )
    ground = Ground(paint.turf((190, 150, 66), (232, 198, 112), 7), 6.0, haze, 260)

    def camera(t: float) -> Camera:
        return Camera(y=2.0, tilt=6.3, focal=430 * 3.4 ** ease(t, seconds))

    return Shot(seconds, camera, sky, ground, still, moving)


def dolly_in_forest_deer() -> Shot:
    """A deer grazes on a misty forest path; the camera moves forward between the trees towards it."""
    seconds = 3.0
    haze = (196, 210, 200)
    random = np.random.default_rng(6)
    firs = [paint.fir((52, 92, 70), n) for n in range(3)] + [paint.fir((70, 104, 66), 7)]
    spots = [
        (side * (2.9 + random.uniform(0, 1.2) + lane * 3.2), z + random.uniform(-0.7, 0.7))
        for z in np.arange(40.0, 2.5, -3.1).tolist()
        for side in (-1.0, 1.0)
        for lane in range(2)
    ]
    still = grove(firs, spots, 7.5, 3, haze, 34)
    earth = paint.turf((104, 84, 60), (142, 120, 88), 22)
    still += [Quad.lying(earth, 0.15 * float(np.sin(z)), z, 1.7, 1.25) for z in np.arange(0.7, 42, 1.2).tolist()]
    ferns = [paint.grass((92, 130, 66), 30 + n).fogged(haze, 0.1) for n in range(2)]
    still += [
        Quad.standing(ferns[n % 2], side * (1.75 + random.uniform(0, 0.5)), z, 0.42)
        for n, z in enumerate(np.arange(22, 1.2, -1.1).tolist())
        for side in (-1, 1)
    ]

    def moving(t: float) -> list[Quad]:
        nod = float(np.clip(1.25 - 0.45 * t, 0.05, 1))
        return [blot(0.1, 12.5, 1.7), Quad.standing(figures.deer(nod), 0.1, 12.5, 1.65)]

    sky = Sky(paint.sky((226, 232, 216), (166, 196, 204), (6, 14, (255, 248, 222))))
    ground = Ground(paint.turf((58, 78, 44), (104, 124, 66), 18), 5.0, haze, 36)
    return Shot(seconds, lambda t: Camera(y=1.6, z=7 * ease(t, seconds), tilt=-1.5), sky, ground, still, moving)


def roll_balloon() -> Shot:
    """A hot-air balloon rises before snowy mountains; the camera rolls clockwise."""
    seconds = 3.0
    still = ridge((124, 116, 150), 61, 210, 52, snow=True)
    still += ridge((104, 122, 120), 64, 150, 20, x=40) + ridge((78, 108, 84), 66, 90, 8, x=-20)
    firs = [paint.fir((56, 94, 78), 70 + n) for n in range(3)]
    random = np.random.default_rng(12)
    spots = [(float(random.uniform(-50, 50)), float(random.uniform(45, 85))) for _ in range(60)]
    still += grove(firs, spots, 6, 13, (220, 196, 196), 170)
    large = figures.balloon()
    small = large.fogged((216, 206, 226), 0.35)

    def moving(t: float) -> list[Quad]:
        return [
            Quad.standing(small, 36 - 0.8 * t, 120, 15, 30 + 0.8 * t),
            Quad.standing(large, -2 + 0.3 * t, 42, 15, 6 + 1.3 * t),
        ]

    sky = Sky(
        paint.sky((252, 208, 184), (108, 140, 196), (26, 9, (255, 240, 206))),
        paint.clouds((255, 234, 222), (210, 184, 200), 0.26, 31),
        0.5,
    )
    ground = Ground(paint.turf((84, 120, 70), (134, 160, 92), 38), 14.0, (226, 200, 190), 170)
    return Shot(seconds, lambda t: Camera(y=1.7, tilt=14, roll=34 * ease(t, seconds)), sky, ground, still, moving)


def tilt_down_desert() -> Shot:
    """A tumbleweed rolls left past cacti; the camera tilts down from the sky to it."""
    seconds = 2.5
    still = [
        Quad.standing(paint.mesa((192, 104, 70), 1), -34, 110, 22),
        Quad.standing(paint.mesa((176, 96, 78), 2), 44, 130, 30),
        *ridge((206, 146, 108), 81, 150, 9),
    ]
    for x, z, tall in (
        (-3.4, 10.0, 3.6),
        (4.6, 14.0, 4.4),
        (9.5, 24.0, 4.0),
        (-11.0, 22.0, 4.2),
        (-1.0, 30.0, 3.8),
    ):
        still += [blot(x + 0.4, z, 2.2), Quad.standing(paint.cactus(), x, z, tall)]

    def moving(t: float) -> list[Quad]:
        x = 3.9 - 1.9 * t
        hop = 0.22 * abs(float(np.sin(4.2 * t)))
        return [blot(x, 5.6, 1.0), Quad.standing(figures.tumbleweed(-t * 260), x, 5.6, 0.85, hop)]

    sky = Sky(
        paint.sky((250, 222, 176), (74, 142, 208), (8, 31, (255, 250, 220))),
        paint.clouds((255, 250, 240), (236, 214, 200), 0.14, 85),
    )
    ground = Ground(paint.turf((212, 158, 102), (236, 192, 134), 84), 6.0, (244, 212, 170), 200)
    return Shot(seconds, lambda t: Camera(tilt=24 - 28 * ease(t, 1.9)), sky, ground, still, moving)


def pan_right_snow_cabin() -> Shot:
    """A log cabin with a smoking chimney in the snow; the camera pans right from the firs to it."""
    seconds = 2.5
    haze = (206, 216, 234)
    still = ridge((120, 136, 170), 91, 160, 34, snow=True)
    firs = [paint.fir((62, 96, 92), 120 + n, snow=True) for n in range(4)]
    random = np.random.default_rng(17)
    spots = [(float(x + random.uniform(-1, 1)), float(random.uniform(11, 26))) for x in np.arange(-24, 7, 1.7).tolist()]
    spots += [(float(x + random.uniform(-1, 1)), float(random.uniform(24, 32))) for x in np.arange(4, 30, 2.2).tolist()]
    still += grove(firs, spots, 6.5, 19, haze, 120)
    still += [blot(6.0, 12.8, 6), Quad.standing(paint.cabin(), 6.0, 13, 3.6)]

    def moving(t: float) -> list[Quad]:
        ages = [(t * 0.45 + n / 7) % 1 for n in range(7)]
        return [
            Quad.standing(figures.puff(age), 6.95 + 1.6 * age, 13.1, 0.5 + 1.3 * age, 3.4 + 2.4 * age) for age in ages
        ]

    sky = Sky(
        paint.sky((226, 222, 236), (128, 158, 206)),
        paint.clouds((250, 248, 252), (206, 206, 222), 0.36, 97),
        0.3,
    )
    ground = Ground(paint.turf((214, 224, 240), (246, 249, 254), 94, fine=0.3), 6.0, (224, 228, 242), 160)
    return Shot(seconds, lambda t: Camera(pan=-19 + 42 * ease(t, seconds), tilt=3), sky, ground, still, moving)
