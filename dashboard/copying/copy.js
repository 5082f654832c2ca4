// Copies an address of the dashboard.
// data: {address: path and query}

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("[role=status]");
  said.textContent = "";
  button.onclick = async () => {
    const address = new URL(data.address, location.href).href;
    said.textContent = (await copied(address)) ? "Copied" : address;
    setTimeout(() => { said.textContent = ""; }, 4000);
  };
  return () => { button.onclick = null; };
}

// Over plain HTTP from another machine browsers have no clipboard; an old way still works there.
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
