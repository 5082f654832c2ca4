// How much of the map is seen: all of it at first, and a part of it that scrolls when it is larger.
// Marks keep their size. The bar in the corner shows a round length at this scale.

const MOST_ZOOM = 16;

function showView(root, { size, metres }) {
  const view = root.querySelector(".view"), plot = root.querySelector(".plot");
  const closer = root.querySelector(".in"), farther = root.querySelector(".out");
  let zoom = 1;
  plot.style.setProperty("--aspect", size[0] / size[1]);
  const show = () => {
    plot.style.setProperty("--zoom", zoom);
    view.classList.toggle("zoomed", zoom > 1);
    // So that the keyboard can scroll it.
    if (zoom > 1) view.tabIndex = 0;
    else view.removeAttribute("tabindex");
    closer.disabled = zoom === MOST_ZOOM;
    farther.disabled = zoom === 1;
    showScale(root.querySelector(".scale"), metres, Math.max(...size) / size[0] / zoom);
  };
  // What is in the middle stays there.
  const change = (factor) => {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = view;
    zoom *= factor;
    show();
    view.scrollLeft = (scrollLeft + clientWidth / 2) * factor - clientWidth / 2;
    view.scrollTop = (scrollTop + clientHeight / 2) * factor - clientHeight / 2;
  };
  closer.onclick = () => change(2);
  farther.onclick = () => change(1 / 2);
  show();
}

// `part` is how long a side of what is seen is, in widths of the map.
function showScale(bar, metres, part) {
  const length = roundLength(metres * part / 4);
  bar.style.width = `${100 * length / metres}%`;
  bar.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
}

// The longest of 1, 2, 5, 10, 20, 50… metres that is at most `most`.
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most);
}
