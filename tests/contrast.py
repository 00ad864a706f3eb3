"""How well one colour is seen on another; colours are #rrggbb."""


def mixed(ground, colour, part):
    """A colour of which so much covers the ground."""
    pairs = zip(bytes.fromhex(ground[1:]), bytes.fromhex(colour[1:]), strict=True)
    return "#" + bytes(round(low + (high - low) * part) for low, high in pairs).hex()


def contrast(one, other):
    """The ratio of luminances, as WCAG 2 has it."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in bytes.fromhex(colour[1:])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
