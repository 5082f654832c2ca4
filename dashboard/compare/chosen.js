// Tells the grid which check is chosen.
// data: {chosen: [prediction, metric, slice]}

export default function ({ data }) {
  window.ridealongChosen = JSON.stringify(data.chosen);
  window.dispatchEvent(new Event("ridealong-chosen"));
}
