"""The ray caster: what each pixel of a camera sees, compiled by numba.

`interface` names what a caster gets and fills. `visibility` finds the solid at each pixel,
`lighting` computes the light on the ground and on faces, `ground_shading` and `solid_shading` turn
both into colours, `picture` adds smooth outlines, halos, rain and the sensor. `painting` paints the
texture of the ground. `compiled` joins them into the caster that `Renderer` uses.
"""
