// The time of the clip, and its videos that keep it. The first video that plays leads the others.

const FRAME_S = 0.1; // until the clip's frames are known
const INSIDE_S = 0.002; // a video asked for a frame's exact time may show the one before
const SPEEDS = [0.25, 0.5, 1, 1.5, 2];

function makeClock(onTick, onState) {
  const clock = { t: 0, playing: false, speed: 1, seconds: 0, frames: [], loop: false, range: null };
  let tracks = []; // {video, start_s}: times of a video begin at the clip's start_s
  let waiting = 0; // identifies the newest request for a tick
  let wall = null; // {ms, t}: where time counts from without videos

  const lead = () => tracks[0];
  // A video that is at its start is not asked to go there: it would decode its first frame twice.
  const place = ({ video, start_s }, t) => {
    const at = Math.max(0, t - start_s) + INSIDE_S;
    if (Math.max(at, video.currentTime) > INSIDE_S) video.currentTime = at;
  };
  const frame_s = () => {
    const { frames } = clock;
    return frames.length > 1 ? (frames.at(-1) - frames[0]) / (frames.length - 1) : FRAME_S;
  };

  clock.tracks = () => tracks;
  clock.add = (track) => {
    tracks.push(track);
    track.video.playbackRate = clock.speed;
    track.video.addEventListener("ended", () => { if (track === lead()) atEnd(); });
    track.video.addEventListener("durationchange", () => {
      clock.seconds = Math.max(clock.seconds, (track.video.duration || 0) + track.start_s);
      onState();
    });
    place(track, clock.t);
  };
  clock.remove = (video) => {
    tracks = tracks.filter((track) => track.video !== video);
    if (clock.playing) follow();
  };
  clock.frame_s = frame_s;

  clock.seek = (t) => {
    clock.t = Math.max(0, Math.min(t, lastInstant() || t)); // the last is unknown at first
    wall = { ms: performance.now(), t: clock.t };
    for (const track of tracks) place(track, clock.t);
    onTick();
  };
  clock.step = (by) => {
    clock.pause();
    const { frames } = clock;
    if (!frames.length) return clock.seek(clock.t + by * FRAME_S);
    const now = frames.findLastIndex((time) => time <= clock.t + 0.001);
    return clock.seek(frames[Math.min(Math.max(0, now + by), frames.length - 1)]);
  };
  clock.play = () => {
    const [from, to] = span();
    if (clock.t >= to - 0.001 || clock.t < from - 0.001) clock.seek(from);
    clock.playing = true;
    wall = { ms: performance.now(), t: clock.t };
    // If a video cannot play, its error event reports it.
    for (const { video } of tracks) video.play().catch(() => {});
    onState();
    follow();
  };
  clock.pause = () => {
    if (!clock.playing) return;
    clock.playing = false;
    for (const { video } of tracks) video.pause();
    onState();
  };
  clock.toggle = () => (clock.playing ? clock.pause() : clock.play());
  clock.setSpeed = (speed) => {
    clock.speed = speed;
    wall = { ms: performance.now(), t: clock.t };
    for (const { video } of tracks) video.playbackRate = speed;
    onState();
  };
  clock.faster = (by) => {
    const at = SPEEDS.indexOf(clock.speed) + by;
    if (SPEEDS[at]) clock.setSpeed(SPEEDS[at]);
  };
  clock.end = () => { clock.playing = false; waiting++; tracks = []; };

  const lastInstant = () => clock.frames.at(-1) ?? clock.seconds;
  const span = () => (clock.loop && clock.range) || [0, Math.max(clock.seconds, lastInstant())];

  // Wait for the lead's next frame on the screen, or for the screen's, where it cannot tell.
  function follow() {
    const mine = ++waiting;
    const next = (tick) => {
      const video = lead()?.video;
      if (video?.requestVideoFrameCallback) video.requestVideoFrameCallback((_, about) => tick(about.mediaTime));
      else requestAnimationFrame(() => tick(video ? video.currentTime : null));
    };
    const tick = (seen_s) => {
      if (mine !== waiting || !clock.playing) return;
      advance(seen_s);
      if (clock.playing) next(tick);
    };
    next(tick);
  }

  function advance(seen_s) {
    const now = lead();
    clock.t = now ? seen_s + now.start_s
      : wall.t + ((performance.now() - wall.ms) / 1000) * clock.speed;
    const [, to] = span();
    if (clock.t >= to - 0.001) return atEnd();
    keepTogether();
    return onTick();
  }
  function atEnd() {
    if (!clock.playing) return;
    if (!clock.loop) { clock.pause(); onTick(); return; }
    clock.seek(span()[0]);
    for (const { video } of tracks) if (video.paused) video.play().catch(() => {});
  }
  // A video that is a little off runs a little slower or faster; one that is far off jumps.
  function keepTogether() {
    const now = lead();
    if (!now) return;
    for (const track of tracks.slice(1)) {
      const { video } = track;
      const due = now.video.currentTime + now.start_s - track.start_s;
      if (due < 0 || due > video.duration || video.seeking) continue;
      const off = video.currentTime - due;
      if (Math.abs(off) > 2 * frame_s()) video.currentTime = due;
      const rate = clock.speed * (Math.abs(off) > 0.02 ? 1 - Math.min(Math.max(off, -0.1), 0.1) : 1);
      if (video.playbackRate !== rate) video.playbackRate = rate;
      if (video.paused && !video.ended) video.play().catch(() => {});
    }
  }
  return clock;
}
