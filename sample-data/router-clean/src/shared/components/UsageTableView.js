"use client";
import { useEffect, useState } from "react";

export default function UsageTableView() {
  const [data, setData] = useState({ records: [], summary: {} });
  useEffect(() => {
    fetch("/api/usage").then((res) => res.json()).then(setData);
  }, []);
  const download = async () => {
    const file = await fetch("/api/usage/export");
    window.open(URL.createObjectURL(await file.blob()));
  };
  return (
    <section>
      <button onClick={download}>Export</button>
      <table>{data.records.map((row) => <tr key={row.timestamp}><td>{row.model}</td></tr>)}</table>
    </section>
  );
}
